"""Use cases on plans, classes, enrolments and scores."""
