"""Forms made from configuration dataclasses."""
