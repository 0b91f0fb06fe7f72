"""Sound: copied, encoded, stretched, measured."""
