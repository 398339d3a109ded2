"""Mutants that no test can kill, each with the reason."""

EQUIVALENT: dict[tuple[str, str], str] = {}
"""(file, the mutated line without its indentation) → why nothing that the program promises differs."""
