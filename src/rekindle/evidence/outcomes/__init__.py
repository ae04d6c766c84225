"""Rows of clinical outcomes: the trial of each simulated as it was run, and read as it was reported."""
