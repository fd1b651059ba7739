"""Use cases on certificates, prints and reissues."""
