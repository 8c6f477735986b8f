"""How far are the two sides of a case apart, and what explains it?"""
