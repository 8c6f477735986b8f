"""What does a trained model say of images?"""
