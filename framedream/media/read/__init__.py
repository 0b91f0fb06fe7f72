"""Files → frames."""
