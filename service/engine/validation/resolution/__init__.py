"""Names that point out of a file or to what somebody has written before: resolved, or refused."""
