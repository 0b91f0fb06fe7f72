"""``python -m framedream``."""

from framedream.cli.main import main

main()
