"""Tests of the commands that measure."""
