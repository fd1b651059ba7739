"""Read models of persons."""
