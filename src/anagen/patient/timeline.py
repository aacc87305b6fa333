"""What a record says as of a day: age, latest patches, regrowth, steroid given so far."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from anagen.patient.record import (
    OtherSteroid,
    PatchSeen,
    Patient,
    Reading,
    SessionSummary,
    Visit,
)
from anagen.patient.vocabulary import triamcinolone_mg
from anagen.scalp.shapes import PatchShape
from anagen.treatment.injections import Injection, Session

Day = date

YEAR = timedelta(days=365.25)

# What holds until somebody writes down something else: a dent not mentioned is not a dent healed.
_LASTING = ("shape", "first_seen", "atrophy_grade", "telangiectasia_grade", "colour_change_grade")


def first_date(patient: Patient) -> date | None:
    """Day of the earliest visit or session, None when there is neither."""
    return min(_dates(patient), default=None)


def start_date(patient: Patient) -> date | None:
    """Day from which a simulation starts: the latest visit, else the latest session, else None.

    Examples
    --------
    >>> start_date(Patient(id="P1", visits=(Visit(date=date(2025, 3, 3)),)))
    datetime.date(2025, 3, 3)
    """
    visits = [visit.date for visit in patient.visits]
    return max(visits or _dates(patient), default=None)


def age_on(patient: Patient, on: date) -> float | None:
    """Age on a day [year]; None when neither birth nor age is recorded.

    Examples
    --------
    >>> age_on(Patient(id="P1", born=date(2000, 1, 1)), date(2030, 1, 1))
    30.0
    """
    if patient.born is not None:
        return round(max((on - patient.born) / YEAR, 0.0), 2)
    if patient.age_years is None:
        return None
    since = on - (first_date(patient) or on)
    return max(patient.age_years + since / YEAR, 0.0)


def visits_until(patient: Patient, on: date | None = None) -> tuple[Visit, ...]:
    """Visits up to a day, the day included, in order of date; all of them when no day is given."""
    wanted = (visit for visit in patient.visits if on is None or visit.date <= on)
    return tuple(sorted(wanted, key=lambda visit: visit.date))


def latest_visit(patient: Patient, on: date | None = None) -> Visit | None:
    """Last visit up to a day, None when there is none."""
    return next(reversed(visits_until(patient, on)), None)


def latest_patches(patient: Patient, on: date | None = None) -> dict[str, PatchSeen]:
    """Each patch as last seen up to a day; what was not looked at then is taken from before.

    Shape, day first seen and the grades of harm stand until a later visit states them anew; all
    else is as of the last visit that saw the patch.

    Returns
    -------
    dict
        Patch by id, in the order in which they first appear.
    """
    patches: dict[str, PatchSeen] = {}
    for visit in visits_until(patient, on):
        for seen in visit.patches:
            before = patches.get(seen.id)
            patches[seen.id] = seen if before is None else _carried(before, seen)
    return patches


def patch_shapes(patient: Patient, on: date | None = None) -> dict[str, PatchShape]:
    """Latest drawn shape of each patch up to a day, by patch id; patches never drawn are left out.

    Examples
    --------
    >>> patch_shapes(Patient(id="P1"))
    {}
    """
    patches = latest_patches(patient, on)
    return {name: seen.shape for name, seen in patches.items() if seen.shape is not None}


def patch_age_days(patient: Patient, patch: str, on: date) -> float | None:
    """Days from the day a patch was first noticed, or else first recorded, to a day."""
    visits = visits_until(patient, on)
    seen = [(visit, row) for visit in visits for row in visit.patches if row.id == patch]
    if not seen:
        return None
    first = min(row.first_seen or visit.date for visit, row in seen)
    return float(max((on - first).days, 0))


@dataclass(frozen=True)
class RegrowthSeen:
    """Regrowth of one patch at one visit.

    Parameters
    ----------
    date : day of the visit.
    percent : share of the patch covered again [%].
    from_grade : whether it is the middle of a grade rather than a percentage written down.
    """

    date: Day
    percent: float
    from_grade: bool = False


def regrowth_history(patient: Patient, patch: str, on: date | None = None) -> list[RegrowthSeen]:
    """Regrowth of one patch at each visit that recorded it, up to a day."""
    rows = []
    for visit in visits_until(patient, on):
        for seen in visit.patches:
            percent = regrowth_percent(seen)
            if seen.id == patch and percent is not None:
                rows.append(RegrowthSeen(visit.date, percent, seen.regrowth_percent is None))
    return rows


def regrowth_percent(seen: PatchSeen | Reading) -> float | None:
    """Regrowth as written, or else the middle of the grade on its scale [%]; None without both."""
    if seen.regrowth_percent is not None:
        return seen.regrowth_percent
    if seen.regrowth_grade is None or seen.regrowth_scale is None:
        return None
    from anagen.evidence.scales import load_scales

    scale = load_scales().regrowth.get(seen.regrowth_scale)
    grades = {} if scale is None else {grade.label: grade for grade in scale.grades}
    grade = grades.get(seen.regrowth_grade)
    return None if grade is None else 50.0 * (grade.lower + grade.upper)


@dataclass(frozen=True)
class SteroidEntry:
    """One line of the steroid ledger.

    Parameters
    ----------
    date : day given, or first day of a course.
    end : last day of a course, else the same day.
    what : drug or product.
    route : ``intralesional scalp`` for sessions, else as recorded.
    dose_mg : of the drug itself [mg]; None when not known.
    triamcinolone_mg : the same as triamcinolone [mg]; None when not known.
    patch : id of the patch, in a ledger by patch; None where it is not known.
    sites : number of sites injected, in a ledger by patch; None for other routes.
    """

    date: Day
    end: Day
    what: str
    route: str
    dose_mg: float | None
    triamcinolone_mg: float | None
    patch: str | None = None
    sites: int | None = None


def steroid_ledger(
    patient: Patient, on: date | None = None, *, by_patch: bool = False
) -> list[SteroidEntry]:
    """Every steroid recorded up to a day, sessions and other routes, in order of date.

    Parameters
    ----------
    patient : the record.
    on : last day that counts; everything when None.
    by_patch : one line for each patch of a session instead of one for the session.
    """
    session_entries = _session_entries_by_patch if by_patch else _session_entries
    summary_entries = _summary_entries_by_patch if by_patch else _summary_entries
    entries = [
        *(entry for session in patient.sessions for entry in session_entries(session)),
        *(entry for session in patient.session_summaries for entry in summary_entries(session)),
        *(_other_entry(steroid) for steroid in patient.other_steroids),
    ]
    wanted = (entry for entry in entries if on is None or entry.date <= on)
    return sorted(wanted, key=lambda entry: (entry.date, entry.what))


def cumulative_steroid_mg(patient: Patient, on: date, days: float | None = None) -> float:
    """Steroid given up to a day by all routes, as triamcinolone [mg].

    A course counts in proportion to its days inside the time asked for; entries of unknown dose
    or drug count nothing.

    Parameters
    ----------
    patient : the record.
    on : last day, included.
    days : how far back [day]; everything when None.

    Examples
    --------
    >>> knee = OtherSteroid(drug="triamcinolone", route="joint", total_mg=40,
    ...                     start=date(2025, 1, 5))
    >>> cumulative_steroid_mg(Patient(id="P1", other_steroids=(knee,)), date(2025, 6, 1))
    40.0
    """
    first = date.min if days is None else on - timedelta(days=days)
    total = 0.0
    for entry in steroid_ledger(patient, on):
        inside = (min(entry.end, on) - max(entry.date, first)).days + 1
        length = (entry.end - entry.date).days + 1
        total += (entry.triamcinolone_mg or 0.0) * max(inside, 0) / max(length, 1)
    return total


def product_triamcinolone_mg(product: str, dose_mg: float) -> float | None:
    """Dose of a product as triamcinolone [mg]; None for a product nobody knows."""
    from anagen.evidence.products import load_products

    known = load_products().get(product)
    if known is None:
        return triamcinolone_mg(product, dose_mg)
    if not known.active:
        return 0.0
    return triamcinolone_mg(known.active.replace("_", " "), dose_mg * known.active_fraction)


def _session_entries(session: Session) -> Iterator[SteroidEntry]:
    doses: dict[str, float] = {}
    for injection in session.injections:
        doses[injection.product] = doses.get(injection.product, 0.0) + given_mg(injection)
    for product, dose in doses.items():
        yield SteroidEntry(
            session.date,
            session.date,
            product,
            "intralesional scalp",
            dose,
            product_triamcinolone_mg(product, dose),
        )


def given_mg(injection: Injection) -> float:
    """Steroid that went in [mg]; none when skipped."""
    return 0.0 if injection.status == "skipped" else injection.dose_mg


def _session_entries_by_patch(session: Session) -> Iterator[SteroidEntry]:
    groups: dict[tuple[str, str | None], list[Injection]] = {}
    for injection in session.injections:
        if injection.status != "skipped":
            groups.setdefault((injection.product, injection.patch), []).append(injection)
    for (_, patch), injections in groups.items():
        part = session.model_copy(update={"injections": tuple(injections)})
        for entry in _session_entries(part):
            yield replace(entry, patch=patch, sites=len(injections))


def _summary_entries_by_patch(session: SessionSummary) -> Iterator[SteroidEntry]:
    for dose in session.patches:
        part = session.model_copy(update={"patches": (dose,)})
        for entry in _summary_entries(part):
            yield replace(entry, patch=dose.patch, sites=dose.sites)


def _summary_entries(session: SessionSummary) -> Iterator[SteroidEntry]:
    dose = session.total_mg
    yield SteroidEntry(
        session.date,
        session.date,
        session.product,
        "intralesional scalp",
        dose,
        product_triamcinolone_mg(session.product, dose),
    )


def _other_entry(steroid: OtherSteroid) -> SteroidEntry:
    end = max(steroid.end or steroid.start, steroid.start)
    return SteroidEntry(
        steroid.start,
        end,
        steroid.drug,
        steroid.route,
        steroid.total_mg,
        triamcinolone_mg(steroid.drug, steroid.total_mg),
    )


def _carried(before: PatchSeen, seen: PatchSeen) -> PatchSeen:
    missing = {name: getattr(before, name) for name in _LASTING if getattr(seen, name) is None}
    return seen.model_copy(update=missing)


def _dates(patient: Patient) -> list[date]:
    visits = [visit.date for visit in patient.visits]
    sessions = [session.date for session in patient.sessions]
    return visits + sessions + [summary.date for summary in patient.session_summaries]
