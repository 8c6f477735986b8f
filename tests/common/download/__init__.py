"""Tests of downloads and archives, against a server on this machine."""
