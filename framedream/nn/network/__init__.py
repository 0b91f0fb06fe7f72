"""Trained networks: how they are built, loaded and made fast."""
