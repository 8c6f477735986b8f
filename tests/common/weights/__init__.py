"""Tests of weight files, ours and others'."""
