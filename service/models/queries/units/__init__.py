"""Read models of units, authorities and provinces."""
