"""Tests of the timing loop and of feeding a device."""
