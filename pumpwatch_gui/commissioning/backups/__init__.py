"""Backups of an installation: made while it runs, verified, restored whole or not at all."""
