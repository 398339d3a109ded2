"""What the data-quality report says of recordings, before a model is made of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """How much a finding matters to a model."""

    NOTE = "note"
    WARNING = "warning"
    REFUSAL = "refusal"  # no model is made of it unless forced


@dataclass(frozen=True, slots=True)
class QualityFinding:
    """One thing to know about a recording; `tag` is "" when it is about the whole."""

    severity: Severity
    tag: str
    text: str


@dataclass(frozen=True, slots=True)
class QualityReport:
    """What recordings hold, in seconds where a name ends so, and what was found, the gravest first."""

    rows: int
    duration_s: float
    running_s: float
    period_s: float
    findings: tuple[QualityFinding, ...]

    @property
    def is_usable(self) -> bool:
        """Whether a model may be made without force."""
        return all(finding.severity is not Severity.REFUSAL for finding in self.findings)


def gravest_first(findings: Iterable[QualityFinding]) -> tuple[QualityFinding, ...]:
    """The findings in the order in which they matter."""
    order = list(Severity)[::-1]
    return tuple(sorted(findings, key=lambda finding: order.index(finding.severity)))


def joined(reports: Sequence[QualityReport]) -> QualityReport:
    """One report on all recordings; the period is that of the first."""
    return QualityReport(
        sum(report.rows for report in reports),
        sum(report.duration_s for report in reports),
        sum(report.running_s for report in reports),
        reports[0].period_s,
        gravest_first(finding for report in reports for finding in report.findings),
    )
