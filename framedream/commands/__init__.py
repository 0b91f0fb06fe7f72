"""The commands, and nothing else: words in, settings out."""

from framedream.commands import films, lists, pictures, probing
from framedream.commands.app import app

__all__ = ["app", "films", "lists", "pictures", "probing"]
