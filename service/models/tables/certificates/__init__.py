"""Certificates, their prints and their reissues."""
