"""Notices, mails and tickets."""
