"""Renders dreamed frames from the frames of footage or from stills."""
