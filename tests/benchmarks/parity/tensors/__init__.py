"""Tests of names and folders of tensors."""
