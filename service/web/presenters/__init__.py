"""Rows and cases made ready for a page: labels, badges, panels, timelines."""
