"""The ledger: steroid by session and in sum, how much of each limit is used, and the syringes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from anagen.report.content import start_of

if TYPE_CHECKING:
    import xarray as xr

    from anagen.patient import Patient
    from anagen.treatment import Finding, Injection, Plan, Session, SyringeSheet
    from anagen.treatment.binding import BindingLimit

_SEVERITY = {"block": "Blocks", "warn": "Warning", "inform": "Note"}


@dataclass(frozen=True)
class Entry:
    """One line of the ledger.

    Parameters
    ----------
    day : of the session.
    label : which session it is.
    sites : how many injections.
    volume_mL, dose_mg : in total.
    sum_mg : everything in the ledger up to here.
    planned : whether it is still to come.
    """

    day: date
    label: str
    sites: int
    volume_mL: float  # noqa: N815 - unit symbol
    dose_mg: float
    sum_mg: float
    planned: bool


@dataclass(frozen=True)
class SheetRow:
    """Sites next to each other in the order of the hand that get the same.

    Parameters
    ----------
    numbers : their numbers, in words.
    patch : id of the patch.
    count : how many.
    volume_mL, dose_mg : at each of them.
    depth_mm, needle : technique.
    """

    numbers: str
    patch: str
    count: int
    volume_mL: float  # noqa: N815 - unit symbol
    dose_mg: float
    strength: float
    depth_mm: float
    needle: int


@dataclass(frozen=True)
class Sheet:
    """What to prepare and to inject in one or more equal sessions.

    Parameters
    ----------
    numbers : of the sessions.
    dates : of the sessions.
    syringes : mixes and syringes; None with ``trouble`` when they cannot be made.
    rows : sites, grouped.
    session : the first of the sessions.
    trouble : why no syringe sheet could be made.
    """

    numbers: tuple[int, ...]
    dates: tuple[date, ...]
    syringes: "SyringeSheet | None"
    rows: tuple[SheetRow, ...]
    session: "Session"
    trouble: str = ""


def ledger(patient: "Patient", plan: "Plan", course: "xr.Dataset") -> list[Entry]:
    """Every session given and planned, in order of date, with the running sum.

    Parameters
    ----------
    patient : sessions given; those known as sums only included.
    plan : sessions to come; one on the day of a given session is that session.
    course : for its start.
    """
    start = start_of(course, plan)
    given = {session.date: session for session in patient.sessions}
    rows: list[tuple[date, str, int, float, float, bool]] = [
        (s.date, "Given earlier", s.sites, s.total_mL, s.total_mg, False) for s in given.values()
    ]
    for summary in getattr(patient, "session_summaries", ()):
        sites = sum(row.sites for row in summary.patches)
        volume = (
            summary.total_mg / summary.strength_mg_per_mL if summary.strength_mg_per_mL else 0.0
        )
        rows.append((summary.date, "Given earlier (sums)", sites, volume, summary.total_mg, False))
    for number, session in enumerate(plan.sessions, start=1):
        if session.date not in given:
            planned = session.date >= start
            rows.append((session.date, f"Session {number}", session.sites, session.total_mL,
                         session.total_mg, planned))  # fmt: skip
    entries, total = [], 0.0
    for day, label, sites, volume, dose, planned in sorted(rows, key=lambda row: row[0]):
        total += dose
        entries.append(Entry(day, label, sites, volume, dose, total, planned))
    return entries


def sheets(plan: "Plan") -> list[Sheet]:
    """Syringe sheets of a plan, equal sessions together."""
    groups: dict[Any, list[int]] = {}
    for index, session in enumerate(plan.sessions):
        key = (session.diluent, session.comfort, tuple(_rows(session.injections)))
        groups.setdefault(key, []).append(index)
    result = []
    for indices in groups.values():
        session = plan.sessions[indices[0]]
        syringes, trouble = _syringes(session)
        result.append(
            Sheet(
                tuple(index + 1 for index in indices),
                tuple(plan.sessions[index].date for index in indices),
                syringes,
                tuple(_rows(session.injections)),
                session,
                trouble,
            )
        )
    return result


def _syringes(session: "Session") -> "tuple[SyringeSheet | None, str]":
    from anagen.errors import InputError
    from anagen.treatment import syringe_sheet

    try:
        return syringe_sheet(session), ""
    except InputError as error:
        return None, "; ".join(str(problem) for problem in error.problems)


def _rows(injections: Iterable["Injection"]) -> list[SheetRow]:
    from anagen.report.plan_picture import number_words

    groups: dict[Any, list[Injection]] = {}
    for site in injections:
        if site.status != "skipped":
            key = (site.patch, site.strength_mg_per_mL, site.volume_mL, site.depth_mm,
                   site.needle_gauge)  # fmt: skip
            groups.setdefault(key, []).append(site)
    return [
        SheetRow(
            number_words([site.number for site in group]),
            group[0].patch or "–",
            len(group),
            group[0].volume_mL,
            group[0].dose_mg,
            group[0].strength_mg_per_mL,
            group[0].depth_mm,
            group[0].needle_gauge,
        )
        for group in groups.values()
    ]


def limits_used(patient: "Patient", plan: "Plan", on: date) -> list["BindingLimit"]:
    """Limits in the order in which the plan reaches them; none without injections."""
    from anagen.errors import InputError
    from anagen.patient import facts
    from anagen.treatment.binding import which_limit_binds_first

    if not any(session.sites for session in plan.sessions):
        return []
    try:
        return which_limit_binds_first(plan, facts(patient, on))
    except InputError:
        return []


@dataclass(frozen=True)
class FindingGroup:
    """Findings that say the same, and how many places they speak of."""

    finding: "Finding"
    places: int


def grouped_findings(findings: Sequence["Finding"]) -> list[FindingGroup]:
    """Sort findings, the gravest first, and put equal ones together."""
    rank = {severity: index for index, severity in enumerate(_SEVERITY)}
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for finding in sorted(findings, key=lambda f: rank.get(f.severity, len(rank))):
        key = (finding.rule, finding.severity, finding.message, finding.overridden_by or "")
        groups.setdefault(key, []).append(finding)
    return [FindingGroup(group[0], len(group)) for group in groups.values()]


def severity_words() -> Mapping[str, str]:
    """How a severity is called on paper."""
    return _SEVERITY
