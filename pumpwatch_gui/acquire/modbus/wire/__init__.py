"""From bytes to responses that fit their requests, on sockets and serial lines."""
