"""Tests of the neutral engine."""
