"""Tests of the parity engine: planted faults and innocent differences."""
