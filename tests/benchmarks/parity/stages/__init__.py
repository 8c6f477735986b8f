"""Tests of what is compared, stage by stage."""
