"""Rules about units, authorities and provinces."""
