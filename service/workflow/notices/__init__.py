"""Use cases on notices and support tickets."""
