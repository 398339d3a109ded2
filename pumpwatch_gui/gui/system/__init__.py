"""The System page, the About box and the diagnostics text."""
