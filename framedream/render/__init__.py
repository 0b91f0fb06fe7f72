"""A sequence of frames → a dreamed sequence."""
