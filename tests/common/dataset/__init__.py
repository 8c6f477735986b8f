"""Tests of lists, folders, containers and decoding."""
