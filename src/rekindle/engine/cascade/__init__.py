"""Cascade collocation (solver L2): states in topological order, only loops iterated."""
