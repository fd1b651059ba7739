"""Read models of notices and support tickets."""
