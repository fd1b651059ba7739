"""Panels beside a task's form and in the studio."""
