"""What do the raw values say?"""
