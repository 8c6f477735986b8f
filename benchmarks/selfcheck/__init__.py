"""Does the harness itself tell the truth?"""
