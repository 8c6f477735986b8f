"""Tests of the judge, which asks no worker."""
