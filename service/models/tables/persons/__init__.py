"""Persons, their imports and the corrections of their identity."""
