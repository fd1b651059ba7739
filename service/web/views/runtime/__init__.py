"""Pages of cases, tasks, jobs and definitions."""
