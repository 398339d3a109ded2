"""Text lines from a serial port."""
