"""What every page stands in: menu, sign-in, form errors, security headers, logs."""
