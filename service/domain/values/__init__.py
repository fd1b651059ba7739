"""Values and checks that every noun uses."""
