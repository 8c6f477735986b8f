"""What does a page say of many pairs: in float64, in float32, and on photographs?"""
