"""Settings: defined, parsed, checked, and how they change over a film."""
