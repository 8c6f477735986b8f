"""How are both sides asked, and what of one is what of the other?"""
