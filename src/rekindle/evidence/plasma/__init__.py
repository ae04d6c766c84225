"""Rows of plasma concentrations: each arm simulated as it was dosed, and read as it was reported."""
