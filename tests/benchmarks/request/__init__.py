"""Tests of wrong requests."""
