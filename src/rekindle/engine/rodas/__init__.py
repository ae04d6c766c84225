"""Rodas5P (solvers L1 and L1'): its step, its factorisation and its loop."""
