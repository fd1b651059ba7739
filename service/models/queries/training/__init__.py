"""Read models of plans, classes, enrolments and scores."""
