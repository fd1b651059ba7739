"""Organisations and the links of academies."""
