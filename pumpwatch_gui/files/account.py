"""The account of the operating system under which the program runs."""

import getpass


def user_name() -> str:
    """Who is logged in; `operator` where there is no such account, as in some containers."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "operator"
