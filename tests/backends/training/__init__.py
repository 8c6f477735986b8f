"""Tests of training runs, in one process and in many."""
