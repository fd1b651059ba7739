"""Use cases on versions of processes: deploy, draft, propose, back-test, migrate."""
