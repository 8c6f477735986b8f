"""Tests of workers and groups that fail."""
