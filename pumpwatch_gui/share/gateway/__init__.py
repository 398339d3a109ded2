"""The gateway: the endpoints of the original system, for other programs; off by default, on loopback by default."""
