"""Tests of how both sides are asked and paired."""
