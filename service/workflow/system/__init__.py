"""Use cases on settings, exports, backup and the daily work."""
