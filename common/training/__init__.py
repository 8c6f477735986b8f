"""What is a training run, as plain data?"""
