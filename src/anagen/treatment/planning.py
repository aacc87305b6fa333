"""Plans: sessions at intervals from patches and a protocol, and changes to them."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from anagen._version import __version__
from anagen.errors import InputError, Problem
from anagen.evidence.products import load_product
from anagen.scalp.grid import Scalp
from anagen.scalp.views import ViewPoint, locate, view_point
from anagen.treatment.injections import CreatedFrom, Injection, Plan, Session
from anagen.treatment.placement import coverage, place_sites, prioritise
from anagen.treatment.protocols import (
    Protocol,
    change_protocol,
    load_protocol,
    strength_at,
)
from anagen.treatment.sites import Site, site_at
from anagen.treatment.validation import input_errors

_ROUNDING = 1e-9


@dataclass(frozen=True)
class PlanOptions:
    """How a plan is made, beyond the protocol.

    Parameters
    ----------
    alternate : move the lattice between sessions, so that the gaps of one are served by the next.
    operator : who injects; a role or initials, no more.
    """

    alternate: bool = True
    operator: str | None = None


def make_plan(
    scalp: Scalp,
    patches: Mapping[str, ArrayLike],
    protocol: str | Protocol,
    start: date,
    *,
    patient_id: str,
    blocked: Collection[str] = (),
    options: PlanOptions | None = None,
    **changes: Any,
) -> Plan:
    """Make a plan: sites on every patch that may be injected, for every session of a protocol.

    Parameters
    ----------
    scalp : Scalp
    patches : cover (cell,) of each patch by id.
    protocol : key of a protocol, or a protocol.
    start : date of the first session.
    patient_id : pseudonymous id.
    blocked : ids of patches that must not be injected.
    options : how it is made.
    **changes : numbers of the protocol to change, as in `ProtocolChange`: ``sessions``,
        ``interval_days``, ``strength_mg_per_mL``, ``volume_mL``, ``spacing_mm`` ...

    Returns
    -------
    Plan
        ``limits`` says what bound it (a cap on the volume of a session, a patch without room) and
        ``notes`` what waits for the response. Rules are checked elsewhere.

    Raises
    ------
    InputError
        When protocol, product, date or a number cannot be meant; all problems together.

    Examples
    --------
    >>> from anagen.scalp import build_scalp
    >>> scalp = build_scalp(cell_mm=4.0)
    >>> crown = scalp.position[:, 2].argmax()
    >>> near = np.linalg.norm(scalp.position - scalp.position[crown], axis=1) < 15.0
    >>> plan = make_plan(scalp, {"A": near.astype(float)}, "us-experts", date(2026, 3, 2),
    ...                  patient_id="P001", sessions=2)
    >>> [session.date.isoformat() for session in plan.sessions]
    ['2026-03-02', '2026-04-13']
    """
    options = options or PlanOptions()
    chosen = load_protocol(protocol) if isinstance(protocol, str) else protocol
    chosen = change_protocol(chosen, **changes)
    _check_protocol(chosen)
    if not patches:
        raise InputError(
            Problem("patches", "at least one patch", "none", "Draw the patches to be treated.")
        )
    dates = _dates(start, chosen)
    given, limits = _sites_by_session(
        scalp, patches, chosen, blocked=blocked, options=options, dates=dates
    )
    sessions = tuple(
        _session(scalp, sites, chosen, index=index, day=dates[index], operator=options.operator)
        for index, sites in enumerate(given)
    )
    with input_errors("plan"):
        return Plan(
            protocol=chosen.key,
            patient=patient_id,
            sessions=sessions,
            created_from=CreatedFrom(
                anagen=__version__,
                circumference_mm=scalp.circumference_mm,
                cell_mm=scalp.cell_mm,
                layout=chosen.layout,
                alternate=options.alternate,
            ),
            limits=limits,
            notes=_notes(chosen),
            gates=chosen.gates,
        )


def change_session(plan: Plan, index: int, **fields: Any) -> Plan:
    """Return a plan with fields of one session changed; findings are dropped, as they are stale.

    Parameters
    ----------
    plan : Plan
    index : which session, counted from 0.
    **fields : of `Session` (``date``, ``injections``, ``diluent``, ``comfort``, ``operator``,
        ``note``), or of every injection in it (``product``, ``strength_mg_per_mL``, ``volume_mL``,
        ``depth_mm``, ``needle_gauge``).

    Raises
    ------
    InputError
        When there is no such session or field, or a value cannot be meant.
    """
    place = f"sessions[{index}]"
    if not isinstance(index, int) or not 0 <= index < len(plan.sessions):
        raise InputError(
            Problem(place, f"a session between 0 and {len(plan.sessions) - 1}", repr(index),
                    "Correct the index.")
        )  # fmt: skip
    unknown = [name for name in fields if name not in {*Session.model_fields, *_PER_SITE}]
    if unknown:
        raise InputError(
            [Problem(f"{place}.{name}", f"one of {', '.join((*Session.model_fields, *_PER_SITE))}",
                     repr(name), "Correct the name.") for name in unknown]
        )  # fmt: skip
    old = plan.sessions[index]
    per_site = {name: value for name, value in fields.items() if name in _PER_SITE}
    own = {name: value for name, value in fields.items() if name not in _PER_SITE}
    with input_errors(place):
        if per_site:
            own["injections"] = tuple(
                Injection.model_validate({**dict(site), **per_site})
                for site in own.get("injections", old.injections)
            )
        new = Session.model_validate({**dict(old), **own})
    if "product" in per_site:
        load_product(str(per_site["product"]), f"{place}.product")
    return with_sessions(plan, (*plan.sessions[:index], new, *plan.sessions[index + 1 :]))


_PER_SITE = ("product", "strength_mg_per_mL", "volume_mL", "depth_mm", "needle_gauge")


def with_sessions(plan: Plan, sessions: Sequence[Session]) -> Plan:
    """Return a plan with other sessions, checked again; findings are dropped, as they are stale.

    Raises
    ------
    InputError
        When the dates are out of order.
    """
    with input_errors("plan"):
        return Plan.model_validate(
            {**dict(plan), "sessions": tuple(sessions), "findings": (), "overrides": plan.overrides}
        )


def shift(plan: Plan, days: int, first: int = 0) -> Plan:
    """Return a plan whose sessions, from one on, are some days later (or earlier).

    Parameters
    ----------
    plan : Plan
    days : how many; negative for earlier.
    first : index of the first session that moves.

    Raises
    ------
    InputError
        When a session would fall on or before the one before it, or beyond the calendar.

    Examples
    --------
    >>> from datetime import date
    >>> plan = Plan(protocol="custom", patient="P1", sessions=(Session(date=date(2026, 3, 2)),))
    >>> shift(plan, 7).sessions[0].date.isoformat()
    '2026-03-09'
    """
    if not isinstance(days, int) or isinstance(days, bool):
        raise InputError(Problem("days", "a whole number", repr(days), "Give whole days."))
    if not isinstance(first, int) or not 0 <= first <= len(plan.sessions):
        raise InputError(
            Problem(f"sessions[{first}]", f"an index up to {len(plan.sessions)}", repr(first),
                    "Correct the index.")
        )  # fmt: skip
    moved = []
    for index, session in enumerate(plan.sessions):
        try:
            day = session.date + timedelta(days=days) if index >= first else session.date
        except OverflowError:
            raise InputError(
                Problem("days", "a number of days that stays in the calendar", repr(days),
                        "Give a smaller whole number.")
            ) from None  # fmt: skip
        with input_errors(f"sessions[{index}]"):
            moved.append(Session.model_validate({**dict(session), "date": day}))
    return with_sessions(plan, moved)


def session_sites(scalp: Scalp, session: Session) -> tuple[Site, ...]:
    """Sites of a session as positions on the surface.

    Raises
    ------
    InputError
        When an injection lies off the scalp; all of them together.
    """
    sites: list[Site] = []
    problems: list[Problem] = []
    for index, injection in enumerate(session.injections):
        try:
            position = locate(scalp, injection.location, f"injections[{index}].location")
            sites.append(site_at(injection.number, position, injection.patch))
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    return tuple(sites)


def session_at(
    scalp: Scalp, sites: Sequence[Site], protocol: Protocol, day: date, index: int = 0
) -> Session:
    """Make one session of a protocol from sites, for example after they were edited by hand.

    Parameters
    ----------
    scalp : Scalp
    sites : numbered sites.
    protocol : product, strength, volume, depth, needle and comfort.
    day : its date.
    index : which session of the protocol, counted from 0, for a strength that steps up.
    """
    return _session(scalp, sites, protocol, index=index, day=day)


def _check_protocol(protocol: Protocol) -> None:
    problems: list[Problem] = []
    strength = 0.0
    try:
        strength = load_product(protocol.product, "protocol: product").strength_mg_per_mL
    except InputError as error:
        problems.extend(error.problems)
    else:
        problems += [
            Problem("protocol: strength_mg_per_mL",
                    f"at most {strength:g} mg/mL, the strength of {protocol.product!r}",
                    f"{wanted:g} mg/mL", "Choose a stronger product or a weaker strength.")
            for wanted in protocol.strengths_mg_per_mL if wanted > strength * (1 + _ROUNDING)
        ]  # fmt: skip
    try:
        diluent = load_product(protocol.diluent, "protocol: diluent")
        if "diluent" not in diluent.roles:
            problems.append(
                Problem(
                    "protocol: diluent",
                    "a product that serves as a diluent",
                    diluent.name,
                    "Choose saline or a local anaesthetic.",
                )
            )
    except InputError as error:
        problems.extend(error.problems)
    if protocol.session_volume_mL is not None and _cap(protocol) < 1:
        problems.append(
            Problem(
                "protocol: session_volume_mL",
                f"at least {protocol.volume_mL:g} mL, the volume of one site",
                f"{protocol.session_volume_mL:g} mL",
                "Raise it, or inject less at a site.",
            )
        )
    if problems:
        raise InputError(problems)


def _dates(start: date, protocol: Protocol) -> tuple[date, ...]:
    if not isinstance(start, date):
        raise InputError(
            Problem(
                "start", "a date such as 2026-03-31", repr(start), "Give the first session's date."
            )
        )
    try:
        return tuple(
            start + timedelta(days=protocol.interval_days * index)
            for index in range(protocol.sessions)
        )
    except OverflowError:
        raise InputError(
            Problem("start", "a date in this century", start.isoformat(), "Check the year.")
        ) from None


def _sites_by_session(
    scalp: Scalp,
    patches: Mapping[str, ArrayLike],
    protocol: Protocol,
    *,
    blocked: Collection[str],
    options: PlanOptions,
    dates: Sequence[date],
) -> tuple[list[tuple[Site, ...]], tuple[str, ...]]:
    """Sites of each session, and what bound them."""
    lattices = [place_sites(scalp, patches, protocol.layout, blocked=blocked)]
    if options.alternate and protocol.sessions > 1:
        lattices.append(
            place_sites(scalp, patches, protocol.layout, blocked=blocked, previous=lattices[0])
        )
    cap = _cap(protocol)
    open_patches = {name: cover for name, cover in patches.items() if name not in set(blocked)}
    limits = [f"patch {name} is blocked: no sites" for name in patches if name in set(blocked)]
    limits += _without_site(scalp, lattices[0], open_patches)
    sessions: list[tuple[Site, ...]] = []
    for index, day in enumerate(dates):
        wanted = lattices[index % len(lattices)]
        previous = sessions[-1] if sessions else ()
        kept = prioritise(scalp, wanted, open_patches, cap, previous) if wanted else ()
        if len(kept) < len(wanted):
            limits.append(_cap_words(index, day, protocol, len(kept), len(wanted)))
        sessions.append(kept)
    return sessions, tuple(limits)


def _cap(protocol: Protocol) -> int:
    if protocol.session_volume_mL is None:
        return 10**6
    return max(math.floor(protocol.session_volume_mL / protocol.volume_mL + _ROUNDING), 0)


def _cap_words(index: int, day: date, protocol: Protocol, kept: int, wanted: int) -> str:
    return (
        f"session {index + 1} ({day}): {protocol.session_volume_mL:g} mL a session binds first: "
        f"{kept} of {wanted} sites of {protocol.volume_mL:g} mL, those that reach most skin not "
        f"treated before; the next session takes what is left out"
    )


def _without_site(
    scalp: Scalp, sites: Sequence[Site], patches: Mapping[str, ArrayLike]
) -> list[str]:
    if not sites:
        return [f"patch {name} has no room for a site" for name in patches]
    return [
        f"patch {report.patch} has no site of its own: its middle is nearer than the spacing to "
        f"a site of another patch, or blocked; it is {report.biggest_gap_mm:.1f} mm from a site"
        for report in coverage(scalp, sites, patches)
        if report.sites == 0
    ]


def _session(
    scalp: Scalp,
    sites: Sequence[Site],
    protocol: Protocol,
    *,
    index: int,
    day: date,
    operator: str | None = None,
) -> Session:
    strength = strength_at(protocol, index)
    with input_errors(f"sessions[{index}]"):
        return Session(
            date=day,
            injections=tuple(
                Injection(
                    number=site.number,
                    location=site_location(scalp, site),
                    patch=site.patch,
                    product=protocol.product,
                    strength_mg_per_mL=strength,
                    volume_mL=protocol.volume_mL,
                    depth_mm=protocol.depth_mm,
                    needle_gauge=protocol.needle_gauge,
                )
                for site in sites
            ),
            diluent=protocol.diluent,
            comfort=protocol.comfort,
            operator=operator,
        )


def site_location(scalp: Scalp, site: Site) -> ViewPoint:
    """Where a site appears in the view that sees it best, to a hundredth of a millimetre."""
    point = view_point(scalp, np.array(site.position))
    return ViewPoint(view=point.view, x=round(point.x, 2), y=round(point.y, 2), unit="mm")


def _notes(protocol: Protocol) -> tuple[str, ...]:
    notes = []
    if protocol.steps == "by response":
        steps = " -> ".join(f"{strength:g}" for strength in protocol.strengths_mg_per_mL)
        notes.append(
            f"strengths step up {steps} mg/mL as if each response fell short: before each step, "
            f"keep the lower strength when hair is returning, and change the session"
        )
    if protocol.changed:
        notes.append(
            f"changed from the protocol {protocol.key!r}: {', '.join(protocol.changed)}; its "
            f"sources do not cover the changes"
        )
    assumed = [cited.field for cited in protocol.cited if cited.source == "assumed"]
    if assumed:
        notes.append(f"assumed, no source: {', '.join(assumed)}")
    return tuple(notes)
