"""Papers: a case or a report laid out as a document to keep."""
