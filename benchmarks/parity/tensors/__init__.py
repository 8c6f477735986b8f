"""How far are two tensors apart, and what may that be?"""
