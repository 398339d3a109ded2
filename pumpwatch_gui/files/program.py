"""How this program is started again, for a child process that does a piece of work."""

import sys


def program_command(*arguments: str) -> list[str]:
    """The command line of this program with these arguments: of the interpreter, or of the frozen executable."""
    program = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "pumpwatch_gui"]
    return [*program, *arguments]
