"""Long campaigns, run by hand; the suite runs a short version of each."""
