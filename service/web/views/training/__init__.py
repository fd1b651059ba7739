"""Pages of plans, classes, enrolments and scores."""
