"""``python -m service.cli``: the command ``anpei`` without an installed script."""

from service.cli import main

main()
