"""Rules about plans, classes, enrolments and scores."""
