"""Read models of cases, tasks, jobs and definitions."""
