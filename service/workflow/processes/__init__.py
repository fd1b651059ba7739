"""Definitions of processes: their versions, what the gate knows and says of them, and what plays them without cases."""
