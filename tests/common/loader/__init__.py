"""Tests of order, batches, caches and damaged images."""
