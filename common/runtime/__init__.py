"""What do both frameworks need to know of process and machine?"""
