"""Trained networks: built, filled with weights, and made fast."""
