"""Reading of TOML tables that gathers every mistake instead of stopping at the first."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pumpwatch_gui.domain.errors import Problem
from pumpwatch_gui.domain.links.map_document import is_number


class Table:
    """One table of a TOML document and its path. Every `take_…` marks its key as known; `finish` refuses the rest.

    A `take_…` returns None (after noting a Problem) when the key is missing, without a default, or of a wrong type.
    """

    def __init__(self, content: object, path: str, problems: list[Problem]) -> None:
        self.path = path
        self.problems = problems
        self._known: list[str] = []
        self.content: Mapping[str, Any] = {}
        if isinstance(content, Mapping):
            self.content = content
        else:
            self.note("", "must be a table")

    def note(self, key: str, message: str, advice: str = "") -> None:
        """Note a mistake at `key` of this table."""
        path = ".".join(p for p in (self.path, key) if p) or "the file"
        self.problems.append(Problem(path, message, advice))

    def take(self, key: str, kinds: type | tuple[type, ...], words: str, default: Any = ...) -> Any:
        """The value at `key` when it is one of `kinds` (a bool is never a number); `...` as default means required."""
        self._known.append(key)
        if key not in self.content:
            if default is ...:
                self.note(key, "is missing", f"add `{key} = …` ({words})")
                return None
            return default
        value = self.content[key]
        accepted = kinds if isinstance(kinds, tuple) else (kinds,)
        if not isinstance(value, accepted) or (isinstance(value, bool) and bool not in accepted):
            self.note(key, f"must be {words}, not {value!r}")
            return None
        if isinstance(value, str) and "\0" in value:  # no path can have it: the system would raise ValueError
            self.note(key, "must not have the character U+0000")
            return None
        return value

    def take_text(self, key: str, default: Any = ...) -> str | None:
        """A text that is not blank."""
        value: str | None = self.take(key, str, "a text", default)
        if isinstance(value, str) and not value.strip() and default != value:
            self.note(key, "must not be empty")
            return None
        return value

    def take_number(self, key: str, default: Any = ...) -> float | None:
        """A finite number."""
        value: float | None = self.take(key, (int, float), "a number", default)
        if value is None or value is default:
            return value
        return self._finite(key, value)

    def take_pair(self, key: str, default: Any = ...) -> tuple[float, float] | None:
        """Two numbers in a list."""
        value = self.take(key, (list, tuple), "a list of two numbers", default)
        if value is None or value is default:
            return value
        if len(value) != 2 or any(isinstance(x, bool) or not isinstance(x, int | float) for x in value):
            self.note(key, f"must be a list of two numbers, not {value!r}")
            return None
        low, high = (self._finite(key, x) for x in value)
        return None if low is None or high is None else (low, high)

    def take_texts(self, key: str, default: Any = ...) -> tuple[str, ...] | None:
        """The texts of a list."""
        value = self.take(key, (list, tuple), "a list of texts", default)
        if value is None or value is default:
            return value
        if not all(isinstance(text, str) for text in value):
            self.note(key, f"must be a list of texts, not {value!r}")
            return None
        return tuple(value)

    def take_names(self, key: str, known: Iterable[str], default: tuple[str, ...]) -> tuple[str, ...]:
        """The texts of a list of which each is one of `known`, each once; what is not is noted and left out."""
        given, offered = self.take_texts(key, default), sorted(known)
        for wrong in (name for name in given or () if name not in offered):
            self.note(key, f"{wrong!r} is not known", "known: " + ", ".join(offered))
        return tuple(dict.fromkeys(name for name in given or () if name in offered))

    def _finite(self, key: str, value: float) -> float | None:
        if is_number(value):
            return float(value)
        self.note(key, "must be finite and below 1e300")
        return None

    def tables(self, key: str, *, required: bool = False) -> Iterator["Table"]:
        """Each table of the list of tables at `key` (`[[key]]`)."""
        items = self.take(key, Sequence, f"a list of [[{key}]] tables", ... if required else [])
        if isinstance(items, str):
            self.note(key, f"must be a list of [[{key}]] tables")
            return
        for i, item in enumerate(items or []):
            yield Table(item, f"{self.path}.{key}[{i}]".lstrip("."), self.problems)

    def table(self, key: str) -> "Table":
        """The table at `key`; an empty one when it is missing."""
        self._known.append(key)
        return Table(self.content.get(key, {}), f"{self.path}.{key}".lstrip("."), self.problems)

    def finish(self) -> None:
        """Refuse every key that was not taken, with the nearest known key as advice."""
        for key in self.content:
            if key not in self._known:
                near = get_close_matches(key, self._known, n=1)
                known = ", ".join(sorted(set(self._known)))
                self.note(key, "is not known", f"did you mean `{near[0]}`?" if near else f"known: {known}")
