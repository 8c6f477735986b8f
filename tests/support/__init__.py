"""Helpers of the tests: fakes, faulty servers and workers, small models."""
