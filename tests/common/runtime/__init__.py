"""Tests of settings and of importing a framework."""
