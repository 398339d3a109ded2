"""Sync: what is sent to a server, how it goes, pause and send again."""
