"""What is the verdict, and which layer is to blame?"""
