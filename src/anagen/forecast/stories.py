"""Stories: virtual patients with a whole, believable record, for a demonstration clinic.

The course of hair, skin and cortisol is the model's for one person of the population; what is
written down has the errors of its readers; what is given follows the rules of the package.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from anagen.errors import InputError, Problem
from anagen.evidence.parameters import load_parameters
from anagen.forecast.case import make_case
from anagen.forecast.story_kinds import Kind, load_story_rows
from anagen.forecast.story_person import (
    draw_person,
    draw_spot,
    find_spot,
    halves,
    joined,
)
from anagen.forecast.story_skin import (
    World,
    add_skin,
    advance,
    cortisol,
    inject,
    make_world,
    patch_of,
    strike,
)
from anagen.forecast.story_visit import (
    Drawn,
    area_of,
    close,
    cortisol_read,
    draw_first,
    left_in,
    missing,
    own_cortisol,
    pain_factor,
    pain_read,
    redraw,
    see,
)
from anagen.patient import PatchSeen, Patient, Visit, facts, patient_scalp
from anagen.population.posterior import load_posterior
from anagen.scalp import patch_cells
from anagen.treatment import Plan, Session, load_protocol, make_plan
from anagen.treatment.planning import PlanOptions
from anagen.treatment.rules import check
from anagen.units import convert

_WEEK = 7
_WORKDAYS = 5
_MONTHS = (1, 120)

__all__ = ["Story", "story", "story_kinds"]


@dataclass(frozen=True)
class Story:
    """A patient of the demonstration clinic.

    Parameters
    ----------
    patient : the record up to today.
    plans : as made at the time, in order; the last one at the latest visit.
    kind : name of the kind of story.
    accepted : of each plan, whether it was; one that a rule blocks was not.
    """

    patient: Patient
    plans: tuple[Plan, ...]
    kind: str
    accepted: tuple[bool, ...]


@dataclass(frozen=True)
class _Told:
    """A story on its way through the visits.

    Parameters
    ----------
    drawn : patches of the record by id; next : number of the session of the latest plan that is
        due; open : patches that it treats; strength : [mg/mL], 0 for the protocol's.
    ready : plan made already for the first visit, if any.
    happened : whether the event of the story has; hurts, own : factor of pain [1] and own
        morning cortisol [nmol/L] of the person.
    """

    kind: Kind
    patient: Patient
    world: World
    drawn: Mapping[str, Drawn]
    plans: tuple[Plan, ...] = ()
    accepted: tuple[bool, ...] = ()
    next: int = 0
    open: tuple[str, ...] = ()
    strength: float = 0.0
    happened: bool = False
    ready: Plan | None = None
    hurts: float = 1.0
    own: float = 0.0
    fresh: frozenset[str] = field(default_factory=frozenset)
    closing: tuple[PatchSeen, ...] = ()


def story_kinds() -> tuple[str, ...]:
    """Names of all kinds of stories.

    Examples
    --------
    >>> "responder" in story_kinds()
    True
    """
    return tuple(load_story_rows().kinds)


def story(seed: int, *, today: date, months: int = 24, kind: str | None = None) -> Story:
    """Tell the story of one virtual patient up to today.

    Parameters
    ----------
    seed : of everything about it; the same seed, day and kind give the same story. Without a kind
        20 seeds in a row hold every kind at least once.
    today : the last day that has happened.
    months : longest time from the first visit to today [month].
    kind : one of `story_kinds`; the seed's own when None.

    Returns
    -------
    Story
        The record has no errors by `anagen.patient.check_patient`.

    Raises
    ------
    InputError
        When seed, months or kind cannot be meant.
    """
    rows = load_story_rows()
    _check(seed, months, kind)
    chosen = rows.kinds[kind or rows.rounds()[seed % len(rows.rounds())]]
    random = np.random.default_rng([seed, 17])
    days = _days(chosen, today, months, random)
    told = _begin(chosen, seed, days[0], random)
    for number, day in enumerate(days):
        last = day == days[-1]
        told = _visit(told, number, day, days, random)
        told = _treat(told, day, last=last, given=not last or day < today, random=random)
    return Story(told.patient, told.plans, chosen.name, told.accepted)


def _check(seed: int, months: int, kind: str | None) -> None:
    problems = []
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        problems.append(Problem("seed", "a whole number, not negative", repr(seed),
                                "Give a number such as 1."))  # fmt: skip
    if (
        isinstance(months, bool)
        or not isinstance(months, int)
        or not (_MONTHS[0] <= months <= _MONTHS[1])
    ):
        problems.append(Problem("months", f"{_MONTHS[0]} to {_MONTHS[1]}", repr(months),
                                "Give a number of months such as 24."))  # fmt: skip
    if kind is not None and kind not in story_kinds():
        problems.append(Problem("kind", f"one of {', '.join(story_kinds())}", repr(kind),
                                "Correct the name."))  # fmt: skip
    if problems:
        raise InputError(problems)


def _days(kind: Kind, today: date, months: int, random: np.random.Generator) -> tuple[date, ...]:
    """Days of all visits, the last one within an interval of today."""
    rows = load_story_rows()
    longest = int(convert(months, "month", "day"))
    length = min(_WEEK * int(random.integers(kind.weeks[0], kind.weeks[1] + 1)), longest)
    spare, offsets = int(rows.number("spare_days")), [0]
    course = convert(rows.number("course"), "week", "day")
    while True:
        wide = kind.interval if offsets[-1] < course else int(rows.number("quiet_interval"))
        later = offsets[-1] + max(wide, kind.interval) + int(random.integers(spare + 1))
        if later > length:
            break
        offsets.append(later)
    late = length - offsets[-1]
    if kind.name == "overdue":
        late = kind.interval + int(rows.number("overdue_days")) + int(random.integers(_WEEK * 2))
    elif random.uniform() < rows.number("today"):
        late = 0
    first = today - timedelta(days=offsets[-1] + late)
    return tuple(_workday(first + timedelta(days=offset), today) for offset in offsets)


def _workday(day: date, today: date) -> date:
    """Move a day from the weekend to Monday, but not beyond today."""
    if day.weekday() < _WORKDAYS:
        return day
    return min(day + timedelta(days=_WEEK - day.weekday()), today)


def _begin(kind: Kind, seed: int, first: date, random: np.random.Generator) -> _Told:
    """Draw the person, the patches and how they will go on."""
    patient, spots = draw_person(kind, seed, first, random)
    drawn = {spot.id: draw_first(patient, spot, spot.id, 1.0, random) for spot in spots}
    seen = tuple(
        PatchSeen(id=name, shape=one.shape, first_seen=one.spot.first_seen, regrowth_percent=0.0)
        for name, one in drawn.items()
    )
    case = make_case(patient.model_copy(update={"visits": (Visit(date=first, patches=seen),)}))
    ready = None
    if kind.regrowth:
        ready = _made(kind, case.scalp, case.covers, patient, first, 0.0, random)
    sessions = ready.sessions if ready else ()
    world = make_world(case, load_posterior(), sessions, kind.regrowth, random)
    return _Told(kind, patient, world, drawn, strength=kind.strength, hurts=pain_factor(random),
                 own=own_cortisol(random), fresh=frozenset(drawn), ready=ready)  # fmt: skip


def _protocol(kind: Kind, strength: float) -> Any:
    from anagen.treatment import change_protocol

    protocol = load_protocol(kind.protocol)
    changes: dict[str, Any] = {}
    if protocol.interval_days != kind.interval:
        changes["interval_days"] = kind.interval
    wanted = strength or kind.strength
    if wanted and protocol.strengths_mg_per_mL != (wanted,):
        changes["strength_mg_per_mL"] = wanted
    return change_protocol(protocol, **changes) if changes else protocol


# ---- a visit -------------------------------------------------------------------------------------


def _visit(
    told: _Told, number: int, day: date, days: tuple[date, ...], random: np.random.Generator
) -> _Told:
    """Let time pass and look at the patient."""
    week = round((day - days[0]).days / _WEEK)
    told = replace(told, world=advance(told.world, week))
    told = _happen(told, number, day, days, random)
    pairs, drawn = [], dict(told.drawn)
    for name, one in told.drawn.items():
        if one.closed:
            continue
        fresh = name in told.fresh
        if not fresh:
            one, fresh = redraw(told.patient, told.world, one, random)  # noqa: PLW2901 - drawn anew
        drawn[name] = one
        pairs.append((one, fresh))
    told = replace(told, drawn=drawn)
    visit = see(told.patient, told.world, day, pairs, random)
    visit = _person_seen(told, number, visit, random)
    visit = visit.model_copy(update={"patches": (*visit.patches, *told.closing)})
    drawn = {name: one if one.closed else replace(one, left=left_in(visit, name))
             for name, one in told.drawn.items()}  # fmt: skip
    patient = told.patient.model_copy(update={"visits": (*told.patient.visits, visit)})
    return replace(told, patient=patient, drawn=drawn, fresh=frozenset(), closing=())


def _person_seen(told: _Told, number: int, visit: Visit, random: np.random.Generator) -> Visit:
    """Add what is asked of and measured in the whole person."""
    rows = load_story_rows()
    before = [one.weight_kg for one in told.patient.visits if one.weight_kg]
    weight = before[-1] if before else told.patient.weight_kg or 0.0
    change = 1.0 + (rows.number("weight_step") * float(random.normal()) if before else 0.0)
    update: dict[str, object] = {"weight_kg": round(weight * change, 1)}
    last = next(reversed(told.patient.sessions), None)
    if last is not None and last.date == (told.patient.visits[-1].date if number else None):
        update["pain_last_session"] = pain_read(_expected(last), told.hurts, random)
        if random.uniform() < rows.number("adverse"):
            words = rows.words["adverse"]
            update["adverse_events"] = (words[int(random.integers(len(words)))],)
    if told.kind.name == "interaction":
        relative = cortisol(told.world, visit.date)
        update["morning_cortisol_nmol_per_L"] = cortisol_read(relative, told.own, random)
        boosted = any("ritonavir" in word for word in told.patient.medicines or ())
        if boosted and number >= rows.number("sign_visit"):
            update["signs"] = (rows.words["sign"],)
    return visit.model_copy(update=update)


def _expected(session: Session) -> float:
    from anagen.biology.exposure import given
    from anagen.biology.pain import session_pain

    sites = list(given(session))
    return session_pain(
        load_parameters(), [item.volume_mL for item in sites],
        [float(item.needle_gauge) for item in sites], [item.depth_mm for item in sites],
        session.comfort,
    ).score  # fmt: skip


def _begun(told: _Told, one: Drawn, day: date, regrowth: float = 0.0) -> tuple[Any, Any, Any]:
    """Take a patch drawn on a day in the terms of the model: patch, cover (cell,) and frame."""
    seen = PatchSeen(
        id=one.spot.id,
        shape=one.shape,
        regrowth_percent=regrowth,
        first_seen=one.spot.first_seen,
    )
    asked = told.patient.model_copy(update={"visits": (Visit(date=day, patches=(seen,)),)})
    return patch_of(one.spot.id, asked, day)


# ---- what happens --------------------------------------------------------------------------------


def _happen(
    told: _Told, number: int, day: date, days: tuple[date, ...], random: np.random.Generator
) -> _Told:
    """Let the event of this kind of story happen when its time has come, once."""
    rows, name = load_story_rows(), told.kind.name
    main = next(iter(told.drawn.values()))
    week, whole = ((each - days[0]).days / _WEEK for each in (day, days[-1]))
    due = {
        "relapse": week >= min(rows.number("relapse_week"), 0.5 * whole),
        "new patch": week >= min(rows.number("fresh_week"), whole),
        "split patch": missing(told.world, main) < 1.0 - rows.number("split_cover"),
        "merged patches": number == 1,
        "atrophy": number >= rows.number("harm_visit"),
    }
    if told.happened or not due.get(name, False):
        return told
    told = replace(told, happened=True)
    if name == "relapse":
        return replace(told, world=strike(told.world, main.skin))
    if name == "new patch":
        return _new_patch(told, day, random)
    if name == "split patch":
        return _split(told, main, random)
    return _merge(told, day, random) if name == "merged patches" else _thinned(told)


def _thinned(told: _Told) -> _Told:
    """Let the patch whose skin is thinnest be one that shows it early."""
    worst = max(told.drawn.values(), key=lambda one: told.world.skins[one.skin].look.thinning)
    shown = replace(worst, harms={**worst.harms, "atrophy": 0.0})
    return replace(told, drawn={**told.drawn, worst.spot.id: shown})


def _new_patch(told: _Told, day: date, random: np.random.Generator) -> _Told:
    rows = load_story_rows()
    noticed = day - timedelta(days=int(rows.number("fresh_days")))
    others = [one.spot for one in told.drawn.values()]
    scalp = patient_scalp(told.patient)
    spot = find_spot(scalp, rows.number("fresh_patch"), noticed, others, random)
    if spot is None:
        return told
    one = draw_first(told.patient, spot, spot.id, 1.0, random)
    week = next(iter(told.world.skins.values())).week
    patch, cover, frame = _begun(told, one, day)
    world = add_skin(told.world, patch, None, week, cover, frame)
    return _with_new(replace(told, world=world), one)


def _with_new(told: _Told, one: Drawn) -> _Told:
    return replace(told, drawn={**told.drawn, one.spot.id: one}, fresh=told.fresh | {one.spot.id})


def _split(told: _Told, main: Drawn, random: np.random.Generator) -> _Told:
    """Let a long patch come apart: both ends stay bald, the middle has regrown."""
    name, number = f"{main.spot.id} 2", 2
    while name in told.drawn:
        name, number = f"{main.spot.id} {number + 1}", number + 1
    share = missing(told.world, main) ** load_story_rows().number("shrink")
    left, right = halves(main.spot, name, share)
    shape = draw_spot(left, 1.0, random)
    outline = convert(area_of(told.patient, shape), "cm^2", "mm^2") / main.area
    # Later outlines of the first end are drawn about its own middle.
    grown = replace(left, radius=left.radius / outline**0.5)
    one = replace(main, spot=grown, part=0.5, shape=shape, outline=outline)
    other = draw_first(told.patient, right, main.skin, 0.5, random)
    told = replace(told, drawn={**told.drawn, main.spot.id: one}, fresh=told.fresh | {main.spot.id})
    return _with_new(told, other)


def _merge(told: _Told, day: date, random: np.random.Generator) -> _Told:
    """Let two patches grow into one, which keeps the name of the first."""
    one, other = list(told.drawn.values())[:2]
    spot = joined(one.spot, other.spot)
    shape = draw_spot(spot, 1.0, random)
    area = convert(area_of(told.patient, shape), "cm^2", "mm^2")
    whole = replace(one, spot=replace(spot, radius=one.spot.radius), shape=shape,
                    outline=area / one.area)  # fmt: skip
    patch, cover, frame = _begun(told, whole, day)
    week = told.world.skins[one.skin].week
    world = add_skin(told.world, patch, None, week, cover, frame)
    kept = {name: skin for name, skin in world.skins.items() if name != other.skin}
    closed, row = close(other, f"joined with {one.spot.id}, drawn there")
    drawn = {**told.drawn, one.spot.id: whole, other.spot.id: closed}
    return replace(told, drawn=drawn, world=replace(world, skins=kept),
                   fresh=told.fresh | {one.spot.id}, closing=(row,))  # fmt: skip


# ---- treatment -----------------------------------------------------------------------------------


def _treat(
    told: _Told, day: date, *, last: bool, given: bool, random: np.random.Generator
) -> _Told:
    """Plan, and give what is due unless a rule blocks it."""
    first = len(told.patient.visits) == 1
    waits = told.kind.name == "watchful" or (told.kind.name == "merged patches" and first)
    open_now = () if waits else _open(told)
    strength = _strength(told, day)
    used = not told.plans or told.next >= len(told.plans[-1].sessions)
    joined_now = any(seen.blocked for seen in told.patient.visits[-1].patches)
    stale = used or not set(open_now) <= set(told.open) or joined_now or strength != told.strength
    if last or (open_now and stale):
        told = _planned(replace(told, strength=strength, open=open_now), day, random)
    if not given or not open_now or not told.accepted or not told.accepted[-1]:
        return told
    plan = told.plans[-1]
    session = _left_out(plan.sessions[told.next], day, open_now)
    if _blocked(check(session, facts(told.patient, day), scalp=patient_scalp(told.patient))):
        return replace(told, accepted=(*told.accepted[:-1], told.next > 0))
    session = _as_given(session, random)
    where = {name: one.skin for name, one in told.drawn.items()}
    patient = told.patient.model_copy(update={"sessions": (*told.patient.sessions, session)})
    world = inject(told.world, session, where)
    return replace(told, patient=patient, world=world, next=told.next + 1)


def _left_out(session: Session, day: date, open_now: tuple[str, ...]) -> Session:
    """Take a planned session on its day without the patches that are injected no more."""
    gone = {"status": "skipped", "skipped_reason": load_story_rows().words["left_out"]}
    items = tuple(
        item if item.patch in open_now else item.model_copy(update=gone)
        for item in session.injections
    )
    return session.model_copy(update={"date": day, "injections": items})


def _open(told: _Told) -> tuple[str, ...]:
    """Patches that are still injected."""
    closed = load_story_rows().number("closed")
    return tuple(
        seen.id for seen in told.patient.visits[-1].patches
        if seen.blocked is None and not seen.atrophy_grade and (seen.regrowth_percent or 0) < closed
    )  # fmt: skip


def _strength(told: _Told, day: date) -> float:
    """Strength from now on: milder after harm, doubled once when no patch has answered."""
    rows = load_story_rows()
    visit, sessions = told.patient.visits[-1], told.patient.sessions
    used = max(sessions[-1].strengths) if sessions else 0.0
    if any(seen.atrophy_grade for seen in visit.patches):
        return min(used or rows.number("milder"), rows.number("milder"))
    best = max((seen.regrowth_percent or 0.0 for seen in visit.patches), default=0.0)
    waited = sessions and (day - sessions[0].date).days / _WEEK >= rows.number("gate_week")
    usual = told.kind.name == "non-responder"
    if usual and waited and best < rows.number("gate") and told.strength == told.kind.strength:
        return min(2.0 * used, rows.number("strongest"))
    return told.strength


def _planned(told: _Told, day: date, random: np.random.Generator) -> _Told:
    """Make a plan on a day, held against the rules; one of no session where none is open."""
    patient, scalp = told.patient, patient_scalp(told.patient)
    if told.ready is not None and len(patient.visits) == 1 and told.open:
        plan = told.ready
    elif not told.open:
        plan = Plan(protocol="custom", patient=patient.id,
                    notes=("no injection now: look again at the next visit",))  # fmt: skip
    else:
        covers = {name: patch_cells(scalp, told.drawn[name].shape) for name in told.open}
        plan = _made(told.kind, scalp, covers, patient, day, told.strength, random)
    found = check(plan, facts(patient, day), scalp=scalp)
    plan = plan.model_copy(update={"findings": tuple(found)})
    accepted = not (plan.sessions and _blocked(found))
    both = {"plans": (*told.plans, plan), "accepted": (*told.accepted, accepted)}
    return replace(told, next=0, **both)  # type: ignore[arg-type]  # two fields of their types


def _made(
    kind: Kind,
    scalp: Any,
    covers: Mapping[str, Any],
    patient: Patient,
    day: date,
    strength: float,
    random: np.random.Generator,
) -> Plan:
    """Make the plan of a story's protocol; sites stay where they are, which is quicker."""
    rows = load_story_rows()
    words = rows.words["operators"]
    options = PlanOptions(alternate=False, operator=words[int(random.integers(len(words)))])
    return make_plan(scalp, covers, _protocol(kind, strength), day, patient_id=patient.id,
                     sessions=int(rows.number("sessions")), options=options)  # fmt: skip


def _blocked(findings: Any) -> bool:
    return any(finding.severity == "block" for finding in findings)


def _as_given(session: Session, random: np.random.Generator) -> Session:
    """Write down a session as it was given: lot, expiry, reflux, and what was skipped."""
    rows = load_story_rows()
    lot = f"K{int(random.integers(1000, 9999))}"
    shelf = int(random.integers(_WEEK, int(rows.number("shelf_days"))))
    expiry = session.date + timedelta(days=shelf)
    items = []
    for item in session.injections:
        update: dict[str, object] = {"status": "given", "lot": lot, "expiry": expiry}
        if random.uniform() < rows.number("skipped") and item.number > 1:
            words = rows.words["skipped"]
            update = {"status": "skipped",
                      "skipped_reason": words[int(random.integers(len(words)))]}  # fmt: skip
        elif random.uniform() < rows.number("reflux"):
            update["reflux"] = True
        items.append(item if item.status == "skipped" else item.model_copy(update=update))
    return session.model_copy(update={"injections": tuple(items)})
