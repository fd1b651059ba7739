"""Forms: one reader of form-js JSON, for the gate and for running."""
