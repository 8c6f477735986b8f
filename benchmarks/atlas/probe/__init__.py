"""How does a worker evaluate one case of the atlas?"""
