"""Listeners of the session: the history of rows is written, and a training need goes stale, with the change itself."""
