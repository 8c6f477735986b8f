"""What of the process and the machine do both frameworks share?"""
