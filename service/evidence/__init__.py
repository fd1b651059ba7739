"""Files for auditors: the verifier that runs alone, without this service."""
