"""Whole jobs: what is read, dreamed and written, and what is said on the way."""
