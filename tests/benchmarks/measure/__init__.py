"""Tests of runs that alternate."""
