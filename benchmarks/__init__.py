"""Figures: how films are measured, and what the machine makes of them."""
