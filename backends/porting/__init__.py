"""How does a torch network's source become a paddle twin, and where is the twin wrong?"""
