"""Pages of certificates, prints and reissues."""
