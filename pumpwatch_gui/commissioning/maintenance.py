"""The cost table of a site."""

from pathlib import Path

from pumpwatch_gui.domain.maintenance.costs import CostTable
from pumpwatch_gui.settings.cost_file import FILE, read_costs

COST_FILE = FILE
"""The name of a site's own table, next to its site file."""


def cost_table(site_file: Path) -> tuple[CostTable, str]:
    """The table that counts, and what is wrong in the site's own file, "" for nothing."""
    table, problems = read_costs(site_file.parent)
    return table, "; ".join(map(str, problems))
