"""Frames → dreamed frames."""
