"""Versions of processes, and the cases that run by them."""
