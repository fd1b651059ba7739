"""Read models: one folder a noun; every list, count and export is asked here, inside the user's scope."""
