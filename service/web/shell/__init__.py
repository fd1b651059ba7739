"""The frame of every page: menu, sign-in, form errors, security headers, logs."""
