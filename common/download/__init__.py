"""How does a published data set get here, whole and unchanged?"""
