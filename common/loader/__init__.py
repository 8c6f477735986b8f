"""In which order do images come, and as which batches?"""
