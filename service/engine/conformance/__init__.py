"""Foreign models run through validation and engine, with a verdict each."""
