"""What is typed on the page of a plan, and what is asked of the workers for it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from anagen.errors import InputError, Problem
from anagen.evidence.defaults import DEFAULT_PROTOCOL
from anagen.patient import Patient
from anagen.scalp.views import ViewPoint
from anagen.treatment.findings import Override
from anagen.treatment.injections import Plan
from anagen.treatment.protocols import Protocol, ProtocolChange, load_protocol, load_protocols
from anagen.web.api.job_models import PlanRequested
from anagen.web.console.forms import document_from, tree

# Numbers of the protocol that the page offers to change, with their units.
CHANGES: Mapping[str, str] = {
    "strength_mg_per_mL": "mg/mL", "volume_mL": "mL", "spacing_mm": "mm", "interval_days": "day",
}  # fmt: skip
_CITED = {"strength_mg_per_mL": "strength", "volume_mL": "volume", "spacing_mm": "spacing",
          "interval_days": "interval", "sessions": "sessions"}  # fmt: skip
# As many plans as stand side by side on a screen.
MOST_PINS = 4
_MOST_MOVES = 500
_KEY = re.compile(r"^[0-9a-z]{8,40}$")
_OVERRIDE = "override."


@dataclass(frozen=True)
class Default:
    """What a protocol says of one number, and by whom.

    Parameters
    ----------
    value : in the unit of the field; low, high, unit : as the source says it.
    source, locator : where it comes from.
    """

    value: float
    low: float
    high: float
    unit: str
    source: str
    locator: str


@dataclass(frozen=True)
class Typed:
    """What was typed, read.

    Parameters
    ----------
    fields : as typed; asked : of the workers.
    moves : sites of the first session moved by hand, by number.
    reasons : against rules, by rule.
    pins : forecasts pinned, by key of the job; compared : key of the job that compares many.
    shown : session drawn, from 0.
    """

    fields: Mapping[str, str]
    asked: PlanRequested
    moves: Mapping[int, ViewPoint]
    reasons: Mapping[str, str]
    pins: tuple[str, ...]
    compared: str
    shown: int


def first_fields(patient: Patient, today: date, protocol: str = "") -> dict[str, str]:
    """Fields of a page that was just opened: a protocol as it is, begun when it may."""
    chosen = protocol if protocol in load_protocols() else DEFAULT_PROTOCOL
    gap = timedelta(days=load_protocol(chosen).interval_days)
    given = [one.date for one in patient.sessions]
    given += [one.date for one in patient.session_summaries]
    start = max([today, *(day + gap for day in given)])
    return {"protocol": chosen, "start": start.isoformat()}


def fields_of(plan: Plan, patches: Sequence[str] = ()) -> dict[str, str]:
    """Fields that make a plan again; what is as in its protocol stays empty.

    Parameters
    ----------
    plan : the plan; patches : all patches known, of which those without a site are left out.
    """
    known = load_protocols()
    key = plan.protocol if plan.protocol in known else DEFAULT_PROTOCOL
    fields = {"protocol": key}
    if not plan.sessions:
        return fields
    protocol, first = known[key], plan.sessions[0]
    fields |= {"start": first.date.isoformat(), "sessions": str(len(plan.sessions))}
    strengths = tuple(one for session in plan.sessions for one in session.strengths)
    if strengths and strengths[0] != protocol.strengths_mg_per_mL[0]:
        fields["strength_mg_per_mL"] = f"{strengths[0]:g}"
    if first.injections and first.injections[0].volume_mL != protocol.volume_mL:
        fields["volume_mL"] = f"{first.injections[0].volume_mL:g}"
    layout = plan.created_from.layout if plan.created_from else protocol.layout
    if layout.spacing_mm != protocol.layout.spacing_mm:
        fields["spacing_mm"] = f"{layout.spacing_mm:g}"
    if len(plan.days) > 1 and plan.days[1] != protocol.interval_days:
        fields["interval_days"] = str(plan.days[1])
    treated = {site.patch for session in plan.sessions for site in session.injections}
    left_out = [name for name in patches if name not in treated]
    fields |= {f"leave_out.{at}": name for at, name in enumerate(left_out)}
    return fields | {f"{_OVERRIDE}{one.rule}": one.reason for one in plan.overrides}


def defaults_of(key: str) -> dict[str, Default]:
    """Numbers of a protocol with their sources, by name of the field."""
    known = load_protocols()
    protocol = known.get(key, known[DEFAULT_PROTOCOL])
    cited = {row.field: row for row in protocol.cited}
    values = _values(protocol)
    return {
        name: Default(values[name], row.low, row.high, row.unit, row.source, row.locator)
        for name, field in _CITED.items() if (row := cited.get(field)) is not None
    }  # fmt: skip


def _values(protocol: Protocol) -> dict[str, float]:
    return {
        "strength_mg_per_mL": protocol.strengths_mg_per_mL[0],
        "volume_mL": protocol.volume_mL,
        "spacing_mm": protocol.layout.spacing_mm,
        "interval_days": protocol.interval_days,
        "sessions": protocol.sessions,
    }


def read_typed(number: str, fields: Mapping[str, str], profile: str) -> Typed:
    """Read what was typed.

    Parameters
    ----------
    number : of the person; fields : as typed; profile : rules of the clinic.

    Raises
    ------
    InputError
        Every problem, each with the name of its field.
    """
    raw = {f"{name}:number": fields.get(name, "") for name in (*CHANGES, "sessions")}
    typed = tree(raw)
    sessions = typed.pop("sessions", None)
    data: dict[str, Any] = {
        "person": number, "protocol": fields.get("protocol") or DEFAULT_PROTOCOL,
        "start": fields.get("start") or None, "sessions": sessions, "profile": profile,
        "changes": typed or None,
        "leave_out": [value for name, value in sorted(fields.items())
                      if name.startswith("leave_out.") and value],
    }  # fmt: skip
    problems: list[Problem] = []
    found: dict[str, Any] = {}
    for name, model in (("changes", ProtocolChange), ("", PlanRequested)):
        try:
            part = data["changes"] or {} if name else {**data, "changes": None}
            found[name] = document_from(model, part)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    changes = found["changes"] if typed else None
    return Typed(
        fields=fields,
        asked=found[""].model_copy(update={"changes": changes}),
        moves=_moves(fields.get("moves", "")),
        reasons={name.removeprefix(_OVERRIDE): value.strip() for name, value in fields.items()
                 if name.startswith(_OVERRIDE) and value.strip()},
        pins=tuple(dict.fromkeys(key for key in fields.get("pins", "").split(",")
                                 if _KEY.match(key)))[:MOST_PINS],
        compared=key if _KEY.match(key := fields.get("compared", "")) else "",
        shown=int(at) if (at := fields.get("shown", "0")).isdecimal() and len(at) < 4 else 0,
    )  # fmt: skip


def _moves(text: str) -> dict[int, ViewPoint]:
    """Read the moved sites, as the page wrote them.

    Examples
    --------
    >>> _moves('[{"number": 3, "view": "top", "x": 80.0, "y": 91.5}]')[3].view
    'top'
    """
    if not text.strip():
        return {}
    try:
        rows = json.loads(text)
        if len(rows) > _MOST_MOVES:
            raise ValueError("too many")
        return {
            int(row["number"]): ViewPoint(
                view=row["view"], x=round(float(row["x"]), 2), y=round(float(row["y"]), 2)
            )
            for row in rows
        }
    except (ValueError, TypeError, KeyError):
        raise InputError(
            Problem("moves", "sites as the page writes them", "something else",
                    "Put the sites back and move them again.")
        ) from None  # fmt: skip


def with_moves(plan: Plan, moves: Mapping[int, ViewPoint]) -> Plan:
    """Plan with sites of the first session elsewhere; findings are dropped, as they are stale."""
    bare = plan.model_copy(update={"findings": (), "overrides": ()})
    if not moves or not plan.sessions:
        return bare
    first = plan.sessions[0]
    sites = tuple(
        site.model_copy(update={"location": moves[site.number]}) if site.number in moves else site
        for site in first.injections
    )
    session = first.model_copy(update={"injections": sites})
    return bare.model_copy(update={"sessions": (session, *plan.sessions[1:])})


def check_moves(patient: Patient, moves: Mapping[int, ViewPoint]) -> None:
    """Refuse sites that were moved off the scalp.

    Raises
    ------
    InputError
        Every such site.
    """
    from anagen.web.console.plan_drawing import is_on_scalp
    from anagen.web.console.scalp_pictures import head_of

    head = head_of(patient.head_circumference_mm)
    off = [number for number, point in moves.items() if not is_on_scalp(head, point)]
    if off:
        raise InputError(
            [Problem(f"site {number}", "a place on the scalp", "one beyond the hairline",
                     "Move it back, or put the moved sites back.") for number in off]
        )  # fmt: skip


def overrides_of(reasons: Mapping[str, str], author: str, on: date) -> tuple[Override, ...]:
    """Reasons against rules, as the record keeps them.

    Raises
    ------
    InputError
        When one says nothing; its place is the field it was typed into.
    """
    found, problems = [], []
    for rule, reason in reasons.items():
        try:
            found.append(Override(rule=rule, reason=reason, author=author, on=on))
        except ValueError:
            problems.append(
                Problem(f"{_OVERRIDE}{rule}", "a sentence that a colleague can judge",
                        repr(reason[:60]), "Write why the plan is right all the same.")
            )  # fmt: skip
    if problems:
        raise InputError(problems)
    return tuple(found)


def by_field(problems: Mapping[str, Any]) -> dict[str, Any]:
    """Put problems beside the fields they come from, wherever the rooms found them.

    Examples
    --------
    >>> sorted(by_field({"protocol: volume_mL": "a", "changes.spacing_mm": "b", "x": "c"}))
    ['spacing_mm', 'volume_mL', 'x']
    """
    known = {*CHANGES, "sessions", "start", "protocol"}
    found: dict[str, Any] = {}
    for place, problem in problems.items():
        last = re.split(r"[.:\s]+", str(place))[-1]
        found[last if last in known else str(place)] = problem
    return found


def moved_sites(made: Plan, kept: Plan) -> dict[int, ViewPoint]:
    """Sites of the first session that stand elsewhere in a kept plan than in one made anew."""
    if not made.sessions or not kept.sessions:
        return {}
    ours = {site.number: site.location for site in made.sessions[0].injections}
    theirs = {site.number: site.location for site in kept.sessions[0].injections}
    if ours.keys() != theirs.keys():
        return {}
    return {number: place for number, place in theirs.items() if place != ours[number]}
