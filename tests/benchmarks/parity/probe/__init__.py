"""Tests of what a worker does for a comparison."""
