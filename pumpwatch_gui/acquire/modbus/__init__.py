"""Modbus over TCP, TLS and serial lines: the strict link, its framers and the poll plan."""
