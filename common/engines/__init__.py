"""What computed, and in which dtype?"""
