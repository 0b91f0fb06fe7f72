"""The functions of the library, one per module."""
