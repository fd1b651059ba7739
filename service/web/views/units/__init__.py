"""Pages of units, authorities and provinces."""
