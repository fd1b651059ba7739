"""Read models of certificates, prints and reissues."""
