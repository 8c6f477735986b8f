"""Is the harness itself right?"""
