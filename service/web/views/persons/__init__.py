"""Pages of persons."""
