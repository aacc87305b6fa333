"""Published results: trial arms, harms and the course of the disease, one row per outcome."""

import csv
import io
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Literal, get_args

from anagen.errors import EvidenceError
from anagen.evidence.references import reference_keys
from anagen.evidence.rows import read_table

Status = Literal["verified", "design_only", "memory"]
Endpoint = Literal[
    "",
    "regrowth_at_least",
    "regrowth_between",
    "complete",
    "no_response",
    "visible_regrowth",
    "terminal_fraction",
    "mean_regrowth",
    "mean_salt_reduction",
    "onset_week",
    "sessions_to_complete",
    "tuft_diameter_cm",
    "odds_ratio",
]

ENDPOINTS: tuple[str, ...] = get_args(Endpoint)[1:]
"""Endpoints that a machine knows how to read."""

_ROUNDING = 0.6
"""Percentage points by which a printed percentage may differ from its counts."""

_NUMBER = r"(\d+(?:\.\d+)?)"
_SPANS = (
    (re.compile(_NUMBER), "exact"),
    (re.compile(rf"{_NUMBER}\s*(?:-|–|and|to|or|vs|,)\s*{_NUMBER}"), "range"),
    (re.compile(rf"(?:<|<=|≤|max)\s*{_NUMBER}"), "most"),
)


@dataclass(frozen=True)
class Span:
    """A number as a paper gives it: exact, a range, an upper limit, or only words.

    Parameters
    ----------
    text : as printed, for example ``2.5-3.33`` or ``max 6``.
    low, high : what it says in numbers; None where it says nothing.

    Examples
    --------
    >>> span("2.5-3.33").high, span("max 6").low, span("mixed").low
    (3.33, None, None)
    """

    text: str
    low: float | None
    high: float | None

    @property
    def exact(self) -> float | None:
        """The number, when it is one; None for a range, a limit or words."""
        return self.low if self.low == self.high else None


@dataclass(frozen=True)
class Arm:
    """One outcome of one arm of a study at one time.

    Parameters
    ----------
    study_id, first_author, year, design, arm, drug, population : the study and the arm.
    concentration_mg_per_mL : [mg/mL] strength injected.
    volume_per_site_mL : [mL] per site.
    site_spacing_cm : [cm] between sites.
    dose_per_cm2_mg : [mg/cm2].
    interval_weeks : [week] between sessions.
    n_sessions, n_patients, n_patches : counts.
    time_weeks : [week] of the outcome after the start.
    endpoint, threshold : the outcome in a form a machine reads; threshold is a share, 0 to 1. The
        endpoint is one of `ENDPOINTS`, empty where none fits, or another text of a foreign file.
    outcome_definition : the outcome in words.
    n_success, n_total, percent, ci_low, ci_high : counts, percentage and its interval; the
        interval is that of ``mean`` where there is no percentage.
    mean, sd : of a continuous outcome, in its own unit.
    url, quote_status, note : where and how it was read; a foreign file may leave the status empty.
    reference : key in ``references.bib``; empty for a study of a foreign file.
    """

    study_id: str
    first_author: str
    year: int | None
    design: str
    arm: str
    drug: str
    concentration_mg_per_mL: Span | None  # noqa: N815 - unit symbol
    volume_per_site_mL: Span | None  # noqa: N815 - unit symbol
    site_spacing_cm: Span | None
    dose_per_cm2_mg: float | None
    interval_weeks: float | None
    n_sessions: Span | None
    n_patients: int | None
    n_patches: int | None
    population: str
    time_weeks: float | None
    endpoint: str
    threshold: Span | None
    outcome_definition: str
    n_success: int | None
    n_total: int | None
    percent: float | None
    ci_low: float | None
    ci_high: float | None
    mean: float | None
    sd: float | None
    url: str
    quote_status: Status | Literal[""]
    note: str
    reference: str

    @property
    def success_percent(self) -> float | None:
        """Percentage as printed, else that of the counts; None when neither is known."""
        if self.percent is not None or self.n_success is None or not self.n_total:
            return self.percent
        return 100.0 * self.n_success / self.n_total


@dataclass(frozen=True)
class Harm:
    """One harm of one arm of a study.

    Parameters
    ----------
    study_id, arm, drug, regimen : the study and what was given.
    concentration : [mg/mL], or the dose in words.
    harm : what happened.
    n_events, n_total, percent : counts and percentage.
    onset_weeks, resolution_weeks : [week] after the injection.
    url, quote_status, note : where and how it was read.
    reference : key in ``references.bib``.
    """

    study_id: str
    arm: str
    drug: str
    concentration: Span | None
    regimen: str
    harm: str
    n_events: int | None
    n_total: int | None
    percent: float | None
    onset_weeks: Span | None
    resolution_weeks: Span | None
    url: str
    quote_status: Status
    note: str
    reference: str


@dataclass(frozen=True)
class CourseResult:
    """One finding on the course of the disease: regrowth, relapse, persistence, prognosis.

    Parameters
    ----------
    study_id, first_author, year, population : the study.
    measure : what was found.
    time : when, as printed.
    n_events, n_total, percent : counts and percentage.
    ci_low, ci_high : interval of the percentage, or of the ratio in ``value``.
    value : a result that is not a percentage, as printed.
    url, quote_status, note : where and how it was read.
    reference : key in ``references.bib``.
    """

    study_id: str
    first_author: str
    year: int | None
    population: str
    measure: str
    time: str
    n_events: int | None
    n_total: int | None
    percent: float | None
    ci_low: float | None
    ci_high: float | None
    value: str
    url: str
    quote_status: Status
    note: str
    reference: str


@lru_cache(maxsize=1)
def load_arms() -> tuple[Arm, ...]:
    """Load the outcomes of published arms.

    Raises
    ------
    EvidenceError
        When a row breaks a rule; all broken rows are named.

    Examples
    --------
    >>> next(arm.percent for arm in load_arms() if arm.arm == "5 mg/mL pooled")
    74.82
    """
    return parse_arms(_text("arms.csv"))


@lru_cache(maxsize=1)
def load_harms() -> tuple[Harm, ...]:
    """Load the harms reported; see `load_arms`.

    Examples
    --------
    >>> len(load_harms()) > 20
    True
    """
    return parse_harms(_text("harms.csv"))


@lru_cache(maxsize=1)
def load_course() -> tuple[CourseResult, ...]:
    """Load what is published on the course of the disease; see `load_arms`.

    Examples
    --------
    >>> len(load_course()) > 50
    True
    """
    return parse_course(_text("course.csv"))


def parse_arms(text: str) -> tuple[Arm, ...]:
    """Parse the text of ``arms.csv``; see `load_arms`."""
    spans = ("concentration_mg_per_mL", "volume_per_site_mL", "site_spacing_cm", "n_sessions")
    readers: dict[str, Callable[[str], Any]] = {
        **dict.fromkeys((*spans, "threshold"), _span),
        **dict.fromkeys(("year", "n_patients", "n_patches", "n_success", "n_total"), _count),
        **dict.fromkeys(("dose_per_cm2_mg", "interval_weeks", "time_weeks"), _amount),
        **dict.fromkeys(("percent", "ci_low", "ci_high", "mean", "sd"), _number),
    }
    return tuple(Arm(**row) for row in _rows("arms.csv", text, Arm, readers, _arm_problems))


def parse_harms(text: str) -> tuple[Harm, ...]:
    """Parse the text of ``harms.csv``; see `load_harms`."""
    readers: dict[str, Callable[[str], Any]] = {
        **dict.fromkeys(("concentration", "onset_weeks", "resolution_weeks"), _span),
        **dict.fromkeys(("n_events", "n_total"), _count),
        "percent": _number,
    }
    return tuple(Harm(**row) for row in _rows("harms.csv", text, Harm, readers, _count_problems))


def parse_course(text: str) -> tuple[CourseResult, ...]:
    """Parse the text of ``course.csv``; see `load_course`."""
    readers: dict[str, Callable[[str], Any]] = {
        **dict.fromkeys(("year", "n_events", "n_total"), _count),
        **dict.fromkeys(("percent", "ci_low", "ci_high"), _number),
    }
    rows = _rows("course.csv", text, CourseResult, readers, _course_problems)
    return tuple(CourseResult(**row) for row in rows)


def span(text: str) -> Span:
    """Read a number as a paper gives it; words stay words. See `Span`."""
    for pattern, kind in _SPANS:
        match = pattern.fullmatch(text.strip())
        if match:
            values = [float(value) for value in match.groups()]
            low = None if kind == "most" else min(values)
            return Span(text, low, max(values))
    return Span(text, None, None)


@lru_cache(maxsize=512)
def reference_of(study_id: str) -> str:
    """Key in ``references.bib`` of a study.

    Raises
    ------
    EvidenceError
        When the study has no reference.

    Examples
    --------
    >>> reference_of("Su2022_MA")
    'Su2022'
    """
    key = str(read_table("studies.toml")["reference"].get(study_id, study_id))
    if key not in reference_keys():
        raise EvidenceError(f"study {study_id!r} has no entry in references.bib")
    return key


def contradicts(number: int, total: int, percent: float) -> bool:
    """Whether a printed percentage differs from its counts by more than rounding.

    Examples
    --------
    >>> contradicts(28, 60, 46.7), contradicts(28, 60, 50.0)
    (False, True)
    """
    return abs(100.0 * number / total - percent) > _ROUNDING


def _text(name: str) -> str:
    file = resources.files("anagen.evidence") / "data" / name
    return file.read_text(encoding="utf-8")


def _rows(
    name: str,
    text: str,
    kind: type,
    readers: Mapping[str, Callable[[str], Any]],
    problems_of: Callable[[Mapping[str, Any]], Iterator[str]],
) -> Iterator[dict[str, Any]]:
    """Read every row with the reader of its column and check it; name all broken rows at once."""
    table = csv.DictReader(io.StringIO(text))
    columns = [column for column in kind.__annotations__ if column != "reference"]
    if table.fieldnames is None or list(table.fieldnames) != columns:
        raise EvidenceError(f"{name}: expected columns {columns}, found {table.fieldnames}")
    rows, problems = [], []
    for line, raw in enumerate(table, start=2):
        try:
            if None in raw or None in raw.values():
                raise ValueError(f"expected {len(columns)} fields")
            row = {column: readers.get(column, str.strip)(raw[column]) for column in columns}
            row["reference"] = reference_of(row["study_id"])
            problems += [f"{name} row {line}: {text}" for text in _common_problems(row)]
            problems += [f"{name} row {line}: {text}" for text in problems_of(row)]
            rows.append(row)
        except (ValueError, EvidenceError) as error:
            problems.append(f"{name} row {line}: {error}")
    if problems:
        raise EvidenceError("\n".join(problems))
    return iter(rows)


def _span(text: str) -> Span | None:
    return span(text) if text.strip() else None


def _number(text: str) -> float | None:
    if not text.strip():
        return None
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is not finite")
    return value


def _amount(text: str) -> float | None:
    value = _number(text)
    if value is not None and value < 0.0:
        raise ValueError(f"{text!r} is negative")
    return value


def _count(text: str) -> int | None:
    value = _amount(text)
    if value is not None and not value.is_integer():
        raise ValueError(f"{text!r} is no whole number")
    return None if value is None else int(value)


def _common_problems(row: Mapping[str, Any]) -> Iterator[str]:
    if row["quote_status"] not in get_args(Status):
        yield f"status {row['quote_status']!r} is none of {', '.join(get_args(Status))}"
    if row["url"] and not re.match(r"https?://", row["url"]):
        yield f"address {row['url']!r}"
    percent = row["percent"]
    if percent is not None and not 0.0 <= percent <= 100.0:
        yield f"percent {percent} is not between 0 and 100"


def _count_problems(row: Mapping[str, Any], events: str = "n_events") -> Iterator[str]:
    number, total, percent = row[events], row["n_total"], row["percent"]
    if number is None or total is None:
        return
    if not number <= total or total == 0:
        yield f"{number} of {total}"
    elif percent is not None and contradicts(number, total, percent):
        yield f"{number} of {total} are {100.0 * number / total:.1f} %, not {percent}"


def _interval_problems(row: Mapping[str, Any], estimate: float | None) -> Iterator[str]:
    low, high = row["ci_low"], row["ci_high"]
    if (low is None) != (high is None):
        yield "an interval with one end"
    elif low is not None and estimate is not None and not low <= estimate <= high:
        yield f"{estimate} lies outside its interval {low}..{high}"
    elif low is not None and low > high:
        yield f"interval {low}..{high}"


def _arm_problems(row: Mapping[str, Any]) -> Iterator[str]:
    yield from _count_problems(row, "n_success")
    yield from _interval_problems(row, row["mean"] if row["percent"] is None else row["percent"])
    if row["endpoint"] not in get_args(Endpoint):
        yield f"endpoint {row['endpoint']!r}"
    threshold = row["threshold"]
    if threshold is not None and not _is_share(threshold):
        yield f"threshold {threshold.text!r} is no share"
    if row["endpoint"] in ("regrowth_at_least", "regrowth_between") and threshold is None:
        yield f"{row['endpoint']} without threshold"
    if row["sd"] is not None and (row["mean"] is None or row["sd"] < 0.0):
        yield f"a deviation of {row['sd']} from a mean of {row['mean']}"


def _is_share(share: Span) -> bool:
    return share.low is not None and share.high is not None and 0.0 < share.low <= share.high <= 1.0


def _course_problems(row: Mapping[str, Any]) -> Iterator[str]:
    yield from _count_problems(row)
    yield from _interval_problems(row, row["percent"])
