"""Tests of intervals, baselines and scaling figures."""
