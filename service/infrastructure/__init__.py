"""Everything that talks to the outside: database server, processes, mail, PDF, sheets, rich text, logs."""
