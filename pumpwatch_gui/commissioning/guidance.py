"""The guidance for the alarms of a site."""

from pathlib import Path

from pumpwatch_gui.domain.alarms.guidance import Guidance
from pumpwatch_gui.settings.guidance_file import read_guidance


def guidance_rows(site_file: Path) -> tuple[tuple[Guidance, ...], str]:
    """The rows that count, and what is wrong in the site's own file, "" for nothing."""
    rows, problems = read_guidance(site_file.parent)
    return rows, "; ".join(map(str, problems))
