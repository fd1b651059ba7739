"""Use cases on cases, tasks, jobs and definitions."""
