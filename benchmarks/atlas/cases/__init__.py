"""Which operations does the atlas hold, in which configurations?"""
