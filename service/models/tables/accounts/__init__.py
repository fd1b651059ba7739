"""Accounts with their sessions, attempts to sign in, and views they saved."""
