"""The case a rule looks at: the person, and the sessions in a form that measures can count."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from anagen.errors import InputError, Problem
from anagen.treatment.facts import Facts, PatchFacts, other_steroid_mg

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from anagen.scalp import Scalp

    Positions = Sequence[NDArray[np.float64] | None]


class SessionLike(Protocol):
    """What the rules read of a session; `anagen.treatment.injections.Session` is one."""

    @property
    def date(self) -> date:
        """Day of the session."""

    @property
    def injections(self) -> Sequence[Any]:
        """Its injections."""


class PlanLike(Protocol):
    """What the rules read of a plan; `anagen.treatment.injections.Plan` is one."""

    @property
    def sessions(self) -> Sequence[SessionLike]:
        """Its sessions."""


@dataclass(frozen=True)
class SiteCase:
    """One injection that is not skipped: where it stands in the plan, and its numbers [mg, mL]."""

    place: str
    index: int
    patch: str | None
    product: str
    dose_mg: float
    volume_mL: float  # noqa: N815 - unit symbol
    strength_mg_per_mL: float  # noqa: N815 - unit symbol
    location: Any


@dataclass(frozen=True)
class SessionCase:
    """One session: its place in the plan, its day and its sites."""

    place: str
    index: int
    on: date
    given: bool
    diluent: str | None
    sites: tuple[SiteCase, ...]

    @property
    def triamcinolone_mg(self) -> float:
        """Steroid of the session, other steroids as triamcinolone [mg]."""
        from anagen.evidence.equivalents import triamcinolone_per_mg

        return math.fsum(site.dose_mg * triamcinolone_per_mg(site.product) for site in self.sites)

    @property
    def volume_mL(self) -> float:  # noqa: N802 - unit symbol
        """Volume of the session [mL]."""
        return math.fsum(site.volume_mL for site in self.sites)


@dataclass(frozen=True)
class Case:
    """Everything a measure may look at.

    Parameters
    ----------
    facts : the person.
    sessions : of the plan, by date; each keeps its place in the plan.
    positions : per session of the plan (injection, 3) [mm], or None to locate them.
    scalp : the surface; None builds the person's when it is needed.
    """

    facts: Facts
    sessions: tuple[SessionCase, ...]
    positions: "Positions | None" = None
    scalp: "Scalp | None" = None

    @property
    def history(self) -> tuple[tuple[date, float], ...]:
        """Days and doses [mg] of sessions given earlier, those of the plan left out, by date."""
        counted = {session.on for session in self.sessions if session.given}
        earlier = (s for s in self.facts.sessions_given if s.date not in counted)
        return tuple(sorted((s.date, s.dose_mg) for s in earlier))

    def cumulative_mg(self, last: date, window_days: float | None) -> float:
        """Steroid by all routes up to a day [mg].

        Parameters
        ----------
        last : the day, included.
        window_days : count only so many days, the last one included [day]; None counts all.
        """
        return self.background_mg(last, window_days) + math.fsum(
            session.triamcinolone_mg
            for session in self.sessions
            if first_day(last, window_days) <= session.on <= last
        )

    def background_mg(self, last: date, window_days: float | None) -> float:
        """As `cumulative_mg`, without the sessions of the plan [mg]."""
        first = first_day(last, window_days)
        given = math.fsum(dose for day, dose in self.history if first <= day <= last)
        return given + other_steroid_mg(self.facts.other_steroids, first, last)

    def patches_treated(self) -> Iterator[tuple[str, PatchFacts]]:
        """Places and patches that the plan injects; every patch, at its own place, without one."""
        if not self.sessions:
            for patch in self.facts.patches:
                yield f"patient.patches[{patch.id}]", patch
        for session in self.sessions:
            for site in session.sites:
                known = self.facts.patch(site.patch)
                if known is not None:
                    yield site.place, known


def without_plan(case: Case) -> Case:
    """Take the plan out of a case; sessions of it that were given do not become history."""
    history = dict.fromkeys(session.on for session in case.sessions if session.given)
    given = tuple(s for s in case.facts.sessions_given if s.date not in history)
    return Case(case.facts.model_copy(update={"sessions_given": given}), ())


def first_day(last: date, window_days: float | None) -> date:
    """First day of a window that ends on a day, both included; the first of all without one."""
    if window_days is None:
        return date.min
    return last - timedelta(days=window_days) + timedelta(days=1)


def make_case(
    plan: PlanLike | SessionLike | Sequence[SessionLike],
    facts: Facts,
    positions: "Positions | None" = None,
    scalp: "Scalp | None" = None,
) -> Case:
    """Bring a plan, a session or several sessions into the form that measures count.

    Raises
    ------
    InputError
        When a dose, volume or strength is not a number that can be counted, or positions do not
        match the injections.
    """
    sessions = sessions_of(plan)
    problems: list[Problem] = []
    cases = [_session_case(index, session, problems) for index, session in enumerate(sessions)]
    if positions is not None:
        problems += _position_problems(sessions, positions)
    if problems:
        raise InputError(problems)
    ordered = sorted(cases, key=lambda session: (session.on, session.index))
    return Case(facts, tuple(ordered), positions, scalp)


def sessions_of(plan: PlanLike | SessionLike | Sequence[SessionLike]) -> tuple[SessionLike, ...]:
    """Sessions of a plan, of a list, or the one session itself."""
    if isinstance(plan, Sequence):
        return tuple(plan)
    if hasattr(plan, "sessions"):
        return tuple(plan.sessions)
    return (plan,)


def _session_case(index: int, session: SessionLike, problems: list[Problem]) -> SessionCase:
    place = f"sessions[{index}]"
    sites = []
    given = False
    diluent = getattr(session, "diluent", None)
    for number, injection in enumerate(session.injections):
        status = getattr(injection, "status", "planned")
        given |= status == "given"
        if status == "skipped":
            continue
        site = SiteCase(
            place=f"{place}.injections[{number}]",
            index=number,
            patch=injection.patch,
            product=injection.product,
            dose_mg=injection.dose_mg,
            volume_mL=injection.volume_mL,
            strength_mg_per_mL=injection.strength_mg_per_mL,
            location=injection.location,
        )
        problems += _number_problems(site)
        sites.append(site)
    return SessionCase(place, index, session.date, given, diluent, tuple(sites))


def _number_problems(site: SiteCase) -> list[Problem]:
    return [
        Problem(f"{site.place}.{name}", "a finite number, 0 or more", repr(value), "Correct it.")
        for name in ("dose_mg", "volume_mL", "strength_mg_per_mL")
        if not (math.isfinite(value := getattr(site, name)) and value >= 0)
    ]


def _position_problems(sessions: Sequence[SessionLike], positions: "Positions") -> list[Problem]:
    if len(positions) != len(sessions):
        return [
            Problem("positions", f"one array for each of {len(sessions)} sessions",
                    f"{len(positions)}", "Give positions for every session, None where unknown.")
        ]  # fmt: skip
    axes = len("xyz")
    return [
        Problem(f"positions[{index}]", f"shape ({len(session.injections)}, {axes}) in mm",
                str(array.shape), "Give one row x, y, z per injection, skipped ones too.")
        for index, (session, array) in enumerate(zip(sessions, positions, strict=True))
        if array is not None and array.shape != (len(session.injections), axes)
    ]  # fmt: skip
