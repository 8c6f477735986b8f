"""How are tensors named and kept, and how far are two apart?"""
