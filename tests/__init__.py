"""Tests. Each check has a planted fault beside it that it must reject."""
