"""Footage → dreamed footage, each frame seeded by the dreamed frame before it."""
