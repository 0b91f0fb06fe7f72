"""Feature maps and feature visualization."""
