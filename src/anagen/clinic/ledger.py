"""All steroid a person has had: lines, sums by product, route and patch, and what the rules say."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from anagen.clinic.people import documents_of, patient_from
from anagen.clinic.permissions import Actor
from anagen.clinic.store import Store
from anagen.errors import InputError, Problem
from anagen.patient import Patient, steroid_ledger
from anagen.treatment.findings import Finding

if TYPE_CHECKING:
    from anagen.evidence.rules import Rule

Day = date

# Length of the running year, as the rules count it [day].
_YEAR_DAYS = 365
_KINDS = ("person", "identity", "visit", "session", "session_summary", "other_steroid")

# Measures of the rules that speak of steroid in total.
_CUMULATIVE = frozenset(("cumulative_mg", "other_steroids", "other_steroids_unknown"))


@dataclass(frozen=True)
class LedgerLine:
    """One line.

    Parameters
    ----------
    date, end : day given, or first and last day of a course.
    what : product or drug.
    route : ``intralesional scalp`` for sessions, else as recorded.
    patch : id of the patch; None where it is not known or does not apply.
    sites : number of sites injected; None for other routes.
    dose_mg : of the drug itself [mg]; None when not known.
    triamcinolone_mg : the same as triamcinolone [mg]; None when not known.
    counted_mg : of it inside the window, as triamcinolone [mg].
    year_mg : running total of the 12 months up to its last day, as triamcinolone [mg].
    total_mg : running total of a lifetime, as triamcinolone [mg].
    """

    date: Day
    end: Day
    what: str
    route: str
    patch: str | None
    sites: int | None
    dose_mg: float | None
    triamcinolone_mg: float | None
    counted_mg: float
    year_mg: float
    total_mg: float


@dataclass(frozen=True)
class Ledger:
    """The ledger of a person as of a day.

    Parameters
    ----------
    number : of the person.
    on : last day that counts.
    days : length of the window [day], its last day included; None for a lifetime.
    lines : in order of date; only those inside the window.
    window_mg, year_mg, lifetime_mg : totals of the window, of the last 12 months and of all, as
        triamcinolone [mg].
    by_product, by_route, by_patch : sums of the window as triamcinolone [mg]; what belongs to no
        patch stands under the empty name.
    unknown : number of lines whose dose or drug is not known, which the sums leave out.
    alerts : findings of the rules on steroid in total, gravest first.
    """

    number: str
    on: Day
    days: int | None
    lines: tuple[LedgerLine, ...]
    window_mg: float
    year_mg: float
    lifetime_mg: float
    by_product: Mapping[str, float]
    by_route: Mapping[str, float]
    by_patch: Mapping[str, float]
    unknown: int
    alerts: tuple[Finding, ...]


def ledger(
    store: Store,
    actor: Actor,
    number: str,
    *,
    on: date,
    days: int | None = None,
    profile: str | None = None,
) -> Ledger:
    """Add up all steroid of a person as of a day.

    Parameters
    ----------
    store : open store.
    actor : who asks.
    number : of the person.
    on : last day that counts.
    days : length of the window of lines and sums [day]; a lifetime when None.
    profile : rules that speak; the default ones when None.

    Raises
    ------
    AccessError, NotFoundError, InputError
        When this one may not read, there is no such person, or no such window or profile.
    """
    standing = documents_of(store, actor, number, _KINDS)
    documents = [(entry.kind, entry.document) for entry in standing if entry.text is not None]
    return patient_ledger(patient_from(number, documents, on), on, days=days, profile=profile)


def patient_ledger(
    patient: Patient, on: date, *, days: int | None = None, profile: str | None = None
) -> Ledger:
    """Add up all steroid of a patient; see `ledger`.

    Examples
    --------
    >>> from anagen.patient import OtherSteroid
    >>> knee = OtherSteroid(drug="triamcinolone", route="joint", total_mg=40,
    ...                     start=date(2025, 1, 5))
    >>> patient_ledger(Patient(id="P1", other_steroids=(knee,)), date(2025, 6, 1)).by_route
    {'joint': 40.0}
    """
    if days is not None and days < 1:
        raise InputError(
            Problem("days", "a whole number of days, at least 1", str(days), "Ask for 1 or more.")
        )
    lines = _lines(patient, on, days)
    inside = tuple(line for line in lines if _inside(line.date, line.end, on, days) > 0)
    return Ledger(
        number=patient.id,
        on=on,
        days=days,
        lines=inside,
        window_mg=_mg(lines, on, days),
        year_mg=_mg(lines, on, _YEAR_DAYS),
        lifetime_mg=_mg(lines, on, None),
        by_product=_sums(inside, lambda line: line.what),
        by_route=_sums(inside, lambda line: line.route),
        by_patch=_sums(inside, lambda line: line.patch or ""),
        unknown=sum(line.triamcinolone_mg is None for line in inside),
        alerts=_alerts(patient, on, profile),
    )


def _lines(patient: Patient, on: date, days: int | None) -> tuple[LedgerLine, ...]:
    found = [
        LedgerLine(
            entry.date, entry.end, entry.what, entry.route, entry.patch, entry.sites,
            entry.dose_mg, entry.triamcinolone_mg,
            _share(entry.triamcinolone_mg, entry.date, entry.end, on, days), 0.0, 0.0,
        )
        for entry in steroid_ledger(patient, on, by_patch=True)
    ]  # fmt: skip
    days_of_lines = {min(line.end, on) for line in found}
    year = {day: _mg(found, day, _YEAR_DAYS) for day in days_of_lines}
    total = {day: _mg(found, day, None) for day in days_of_lines}
    return tuple(
        replace(line, year_mg=year[min(line.end, on)], total_mg=total[min(line.end, on)])
        for line in found
    )


def _mg(lines: Iterable[LedgerLine], on: date, days: int | None) -> float:
    """Triamcinolone of all lines inside a window [mg]."""
    return sum(_share(line.triamcinolone_mg, line.date, line.end, on, days) for line in lines)


def _share(dose: float | None, start: date, end: date, on: date, days: int | None) -> float:
    """Part of a dose that falls into the window: a course counts by its days inside it."""
    length = (end - start).days + 1
    return (dose or 0.0) * _inside(start, end, on, days) / length


def _inside(start: date, end: date, on: date, days: int | None) -> int:
    """Days of a course inside the window, whose last day is included."""
    first = start.toordinal() if days is None else on.toordinal() - days + 1
    return max(min(end, on).toordinal() - max(start.toordinal(), first) + 1, 0)


def _sums(lines: Iterable[LedgerLine], name: Callable[[LedgerLine], str]) -> dict[str, float]:
    sums: dict[str, float] = defaultdict(float)
    for line in lines:
        sums[name(line)] += line.counted_mg
    return dict(sorted(sums.items(), key=lambda item: -item[1]))


def _alerts(patient: Patient, on: date, profile: str | None) -> tuple[Finding, ...]:
    """Ask the rules on steroid in total; their numbers stay theirs."""
    from anagen.patient import facts
    from anagen.treatment.profiles import load_profile
    from anagen.treatment.rules import check

    chosen = load_profile(profile)
    wanted = replace(chosen, rules=tuple(rule for rule in chosen.rules if _is_cumulative(rule)))
    return tuple(check([], facts(patient, on), wanted))


def _is_cumulative(rule: "Rule") -> bool:
    return not _CUMULATIVE.isdisjoint((rule.measure, *(other.measure for other in rule.when)))
