"""Tests of recipes, schedules and metrics."""
