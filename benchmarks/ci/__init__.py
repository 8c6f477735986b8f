"""How does a CI service show what became of a run?"""
