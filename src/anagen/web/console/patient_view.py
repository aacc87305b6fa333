"""What the page of a person shows, as data: from the record alone, without computing a forecast."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

from anagen.clinic.entries import Entry
from anagen.clinic.ledger import Ledger, patient_ledger
from anagen.clinic.patches import PatchLine, patch_history
from anagen.clinic.people import patient_from
from anagen.clinic.permissions import Actor
from anagen.clinic.store import Store
from anagen.clinic.today import OVERDUE_DAYS
from anagen.errors import InputError
from anagen.patient import Patient
from anagen.patient.facts import course_start, facts, salt_of
from anagen.patient.timeline import age_on, visits_until
from anagen.treatment.findings import Finding, severity_rank
from anagen.treatment.injections import Plan, Session
from anagen.web.api.job_models import ForecastResult
from anagen.web.console.charts import Chart, Mark, time_chart
from anagen.web.console.course_charts import ChartShown, month_words
from anagen.web.console.patient_course import Case, Course, make_course
from anagen.web.console.patient_forecast import Ahead, Foreseen, ahead, foreseen
from anagen.web.console.texts import Texts

if TYPE_CHECKING:
    from anagen.forecast.review import Review
    from anagen.treatment.binding import BindingLimit

# A limit is near when this share of it is used; a matter of display alone.
_NEAR = 0.8
_MOST_GAUGES = 5


@dataclass(frozen=True)
class Gauge:
    """How much of a limit is used.

    Parameters
    ----------
    limit : the limit; level : calm, near, unusual or passed.
    """

    limit: "BindingLimit"
    level: str


@dataclass(frozen=True)
class Due:
    """What is due.

    Parameters
    ----------
    kind : appointment, overdue or gate; day : of it; what : purpose or title.
    """

    kind: str
    day: date
    what: str


@dataclass(frozen=True)
class Happened:
    """A line of the list of visits, sessions and plans.

    Parameters
    ----------
    kind : visit, session, session_summary or plan; day, key, version : of the document.
    data : the document.
    """

    kind: str
    day: str
    key: str
    version: int
    data: Any


@dataclass(frozen=True)
class PatientView:
    """The page of a person.

    Parameters
    ----------
    number, patient, age : who; today : the day.
    by_kind : what stands, by kind of document; person, identity : entries of these.
    salt, salt_first : last and first SALT with their days.
    week : of the course; sessions : number given.
    review : what the rules and gates say, or None with the reason in ``unreviewed``.
    alerts : findings, gravest first.
    ledger, ledger_chart, gauges, limits : steroid, and what binds.
    gauges_of : what the limits were held against: plan, session, or nothing.
    due : what is next; happened : newest first; lines : patches over time.
    foreseen, ahead : forecast and its plan; course : pictures and curves.
    """

    number: str
    patient: Patient
    age: float | None
    today: date
    by_kind: Mapping[str, tuple[Entry, ...]]
    salt: tuple[date, float] | None
    salt_first: tuple[date, float] | None
    week: float | None
    sessions: int
    review: "Review | None"
    unreviewed: str
    alerts: tuple[Finding, ...]
    ledger: Ledger
    ledger_chart: ChartShown | None
    gauges: tuple[Gauge, ...]
    limits: tuple["BindingLimit", ...]
    gauges_of: str
    due: tuple[Due, ...]
    happened: tuple[Happened, ...]
    lines: tuple[PatchLine, ...]
    foreseen: Foreseen
    ahead: Ahead
    course: Course

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of facts that the rules need and nobody noted."""
        patient = self.patient
        wanted = {
            "allergies": patient.allergies, "conditions": patient.conditions,
            "medicines": patient.medicines, "weight": patient.weight_kg, "age": self.age,
            "pregnancy": True if patient.sex == "male" else patient.pregnant,
        }  # fmt: skip
        return tuple(name for name, value in wanted.items() if value is None)


def make_view(
    store: Store, actor: Actor, number: str, entries: Sequence[Entry], texts: Texts, *,
    today: date, profile: str, week: float | None = None, case: Case = "likely",
) -> PatientView:  # fmt: skip
    """Put the page of a person together.

    Parameters
    ----------
    store : open store; actor : who looks; number : of the person.
    entries : everything that stands about the person.
    texts : in the reader's language; today : the day; profile : rules of the clinic.
    week, case : moment and case that the pictured scalp shows.
    """
    documents = [(e.kind, e.document) for e in entries if e.text is not None]
    patient = patient_from(number, documents, today)
    chosen = ahead(entries, patient)
    found = foreseen(store, actor, number, entries, patient, chosen)
    review, unreviewed = _review(patient, today, profile)
    alerts = review.findings if review is not None else _findings(patient, today, profile)
    if chosen.plan is not None and chosen.plans:
        alerts = (*chosen.plan.plan.findings, *alerts)
    limits, gauges_of = _limits(patient, chosen, today, profile)
    salts = [(v.date, s) for v in visits_until(patient) if (s := salt_of(v)) is not None]
    start = course_start(patient, today)
    steroid = patient_ledger(patient, today, profile=profile)
    by_kind = {
        kind: tuple(group)
        for kind, group in groupby(sorted(entries, key=lambda e: e.kind), key=lambda e: e.kind)
    }
    marks = _marks(patient, found.result, chosen, review, texts)
    return PatientView(
        number=number,
        patient=patient,
        age=age_on(patient, today),
        today=today,
        by_kind=by_kind,
        salt=salts[-1] if salts else None,
        salt_first=salts[0] if len(salts) > 1 else None,
        week=None if start is None else (today - start) / timedelta(weeks=1),
        sessions=len(patient.sessions) + len(patient.session_summaries),
        review=review,
        unreviewed=unreviewed,
        alerts=_gravest_first(alerts),
        ledger=steroid,
        ledger_chart=_ledger_chart(steroid, texts, today),
        gauges=tuple(Gauge(one, _level(one)) for one in limits[:_MOST_GAUGES]),
        limits=tuple(limits),
        gauges_of=gauges_of,
        due=_due(by_kind, patient, review, today),
        happened=_happened(entries),
        lines=patch_history(entries),
        foreseen=found,
        ahead=chosen,
        course=make_course(patient, found.result, marks, texts, week=week, case=case, today=today),
    )


def _review(patient: Patient, today: date, profile: str) -> "tuple[Review | None, str]":
    from anagen.forecast.review import review

    if not patient.visits and not patient.sessions and not patient.session_summaries:
        return None, ""
    try:
        return review(patient, on=today, profile=profile), ""
    except InputError as error:
        return None, str(error)


def _findings(patient: Patient, today: date, profile: str) -> tuple[Finding, ...]:
    from anagen.treatment.rules import check

    return tuple(check([], facts(patient, today), profile))


def _gravest_first(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Order by severity, each message once; what a reason overrides comes last."""
    once = {one.message: one for one in reversed(findings)}
    kept = [one for one in findings if once.get(one.message) is one]
    return tuple(sorted(kept, key=lambda f: (f.overridden_by is not None,
                                             severity_rank(f.severity))))  # fmt: skip


def _limits(
    patient: Patient, chosen: Ahead, today: date, profile: str
) -> "tuple[list[BindingLimit], str]":
    """Limits of what the accepted plan still holds, else of the last session."""
    from anagen.treatment.binding import which_limit_binds_first

    last = max((s.date for s in patient.sessions), default=None)
    design: Plan | list[Session]
    if chosen.plans:
        plan = next(iter(chosen.plans.values()))
        left = tuple(s for s in plan.sessions if last is None or s.date > last)
        design, before, of = plan.model_copy(update={"sessions": left}), patient, "plan"
        day = left[0].date if left else today
    elif last is not None:
        design, of, day = [s for s in patient.sessions if s.date == last], "session", last
        before = patient.model_copy(
            update={"sessions": tuple(s for s in patient.sessions if s.date < last)}
        )
    else:
        return [], ""
    try:
        return which_limit_binds_first(design, facts(before, day), profile), of
    except InputError:  # without an injection there is nothing to hold against a limit
        return [], ""


def _level(limit: "BindingLimit") -> str:
    if limit.fraction <= 1 + 1e-9:
        return "near" if limit.fraction >= _NEAR else "calm"
    # What is only worth knowing, such as a usual number of sessions, is no alarm.
    return "unusual" if limit.severity == "inform" else "passed"


def _marks(
    patient: Patient, result: ForecastResult | None, chosen: Ahead, review: "Review | None",
    texts: Texts,
) -> list[Mark]:  # fmt: skip
    """Sessions given and planned, and gates, as marks under the curves."""
    given = [(session.date, session.total_mg) for session in patient.sessions]
    given += [(summary.date, summary.total_mg) for summary in patient.session_summaries]
    marks = [
        Mark(day, "given", texts.text("session given on %(day)s, %(mg)s", day=texts.day(day),
                                      mg=texts.number(mg, 1, "mg")))
        for day, mg in sorted(given)
    ]  # fmt: skip
    plans = chosen.plans or (dict(result.made) if result is not None else {})
    last = max((day for day, _ in given), default=None)
    for plan in plans.values():
        for session in plan.sessions:
            if last is None or session.date > last:
                words = texts.text("session planned for %(day)s, %(mg)s",
                                   day=texts.day(session.date),
                                   mg=texts.number(session.total_mg, 1, "mg"))  # fmt: skip
                marks.append(Mark(session.date, "planned", words))
    for day, titles in groupby(review.gates if review is not None else (), lambda g: g.due):
        words = ", ".join(texts.text(gate.title) for gate in titles)
        marks.append(Mark(day, "gate", f"{words}: {texts.day(day)}"))
    return marks


def _ledger_chart(steroid: Ledger, texts: Texts, today: date) -> ChartShown | None:
    totals: dict[date, float] = {}
    for line in steroid.lines:
        totals[min(line.end, today)] = max(totals.get(line.end, 0.0), line.total_mg)
    if not totals or steroid.lifetime_mg <= 0:
        return None
    title = texts.text("Steroid given, added up")
    words = texts.text(
        "%(title)s: %(total)s in all, %(year)s in the last 12 months, as triamcinolone.",
        title=title, total=texts.number(steroid.lifetime_mg, 1, "mg"),
        year=texts.number(steroid.year_mg, 1, "mg"),
    )  # fmt: skip
    chart = Chart(title, words, "mg", steps=tuple(sorted(totals.items())), today=today,
                  today_word=texts.text("today"), month=month_words(texts))  # fmt: skip
    drawn = time_chart(chart, 360, 190)
    return ChartShown(title, drawn, drawn)


def _due(
    by_kind: Mapping[str, Sequence[Entry]], patient: Patient, review: "Review | None", today: date
) -> tuple[Due, ...]:
    """Tell what is due: the rules of the list of the day, for one person."""
    booked = [e.document for e in by_kind.get("appointment", ()) if e.document.state == "booked"]
    days = [v.date for v in patient.visits] + [s.date for s in patient.sessions]
    last = max(days, default=None)
    found = [Due("appointment", one.on, one.purpose) for one in booked if one.on >= today]
    if not found:
        found += [
            Due("overdue", one.on, one.purpose) for one in booked
            if (today - one.on).days > OVERDUE_DAYS and (last is None or last < one.on)
        ]  # fmt: skip
    seen = max((v.date for v in patient.visits), default=None)
    for gate in review.gates if review is not None else ():
        reached = gate.due <= today and (seen is None or seen < gate.due)
        ahead_of = today < gate.due <= today + timedelta(weeks=12)
        if reached or ahead_of:
            found.append(Due("gate reached" if reached else "gate", gate.due, gate.title))
    return tuple(sorted(found, key=lambda one: one.day))


def _happened(entries: Sequence[Entry]) -> tuple[Happened, ...]:
    kinds = ("visit", "session", "session_summary", "plan")
    rows = [
        Happened(e.kind, e.day or "", e.id, e.version, e.document)
        for e in entries
        if e.kind in kinds and e.text is not None
    ]
    return tuple(sorted(rows, key=lambda one: (one.day, one.kind, one.key), reverse=True))
