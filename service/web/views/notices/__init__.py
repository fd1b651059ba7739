"""Pages of notices and support tickets."""
