"""Rules about notices and support tickets."""
