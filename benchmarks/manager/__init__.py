"""How does the parent start, ask and end its workers?"""
