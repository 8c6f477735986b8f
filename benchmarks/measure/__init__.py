"""What is measured, in which order?"""
