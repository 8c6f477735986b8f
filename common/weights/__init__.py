"""How do named arrays get in and out of files?"""
