"""One validation of what is sent: task forms, plain page forms, sheets and REST share its fields and its messages."""
