"""Which operations mean the same in both frameworks, and how fast is each?"""
