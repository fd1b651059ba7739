"""Scripts and conditions: Starlark in a bounded child process, small expressions in this one."""
