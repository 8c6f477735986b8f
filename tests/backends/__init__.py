"""Tests that both twins fulfil the contract, and of the commands."""
