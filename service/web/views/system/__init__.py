"""Pages of settings, exports, backup and the daily work."""
