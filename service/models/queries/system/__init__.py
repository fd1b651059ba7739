"""Read models of settings, exports, backup and the daily work."""
