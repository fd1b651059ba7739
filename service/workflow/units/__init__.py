"""Use cases on units, authorities and provinces."""
