"""Handles sound: copies, encodes, stretches and measures it."""
