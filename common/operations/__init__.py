"""Which operations mean something else in the other framework, and what stands in for a missing one?"""
