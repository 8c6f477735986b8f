"""What is compared, stage by stage?"""
