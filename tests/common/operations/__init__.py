"""Tests of the committed table of operations."""
