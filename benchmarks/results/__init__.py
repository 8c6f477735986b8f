"""What does a result file hold?"""
