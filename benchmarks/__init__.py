"""Two backends beside each other: each in a process of its own, measured and compared.

Nothing is imported here: a worker's interpreter has little more than its framework.
"""
