"""Gradient ascent on a frame, octave by octave."""
