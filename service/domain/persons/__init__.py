"""Rules about persons."""
