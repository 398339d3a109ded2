"""What leaves the program: the gateway for other programs, and its metrics."""
