"""How is a training run made and gone through?"""
