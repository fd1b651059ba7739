"""Rules about certificates, prints and reissues."""
