"""Plans, classes, enrolments, scores, and the training need."""
