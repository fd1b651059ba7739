"""``python -m service.cli``: the same as ``anpei``, wherever the checkout lies."""

from service.cli import main

main()
