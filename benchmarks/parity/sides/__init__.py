"""How are both sides asked, and how do their parts match?"""
