"""Which engines are there, what can each not do, and in which dtype did it compute?"""
