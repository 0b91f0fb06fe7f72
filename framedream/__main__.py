"""``python -m framedream``."""

from framedream.cli import main

main()
