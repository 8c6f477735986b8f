"""How does a worker record a model, take it apart, train it?"""
