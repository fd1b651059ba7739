"""Event logs for process mining: what journals tell as activities and objects, written as OCEL 2.0, XES or CSV."""
