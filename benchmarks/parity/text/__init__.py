"""How is a report of parity said to people?"""
