"""How are results shown?"""
