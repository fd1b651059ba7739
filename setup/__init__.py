"""Set-up and checks of the checkout. ``python3 -m setup`` runs before anything is installed: standard library only."""
