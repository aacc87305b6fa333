"""Plans to choose between: each made for this patient, judged by the rules, with what binds it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from anagen._version import __version__
from anagen.forecast.choices import Grid, PatchChoice, load_grid
from anagen.forecast.designs import Kind, Proposal, check_grid, propose, signature
from anagen.forecast.placing import (
    Ground,
    drawn_positions,
    find_ground,
    place_sessions,
    site_cap,
    site_drawn,
    sites_wanted,
)
from anagen.patient import Patient, facts
from anagen.treatment import Facts, Finding, Plan, blocked, load_profile, which_limit_binds_first
from anagen.treatment.binding import BindingLimit
from anagen.treatment.injections import CreatedFrom, Injection, Session
from anagen.treatment.protocols import Protocol, strength_at
from anagen.treatment.rules import check
from anagen.treatment.sites import Site

if TYPE_CHECKING:
    from anagen.evidence.rules import Profile

MOST = 200
_HEALING = ("regrowing", "resolved")


@dataclass(frozen=True)
class Design:
    """The numbers of a candidate.

    Parameters
    ----------
    strengths_mg_per_mL : by session, the last one for all later ones; empty without injection.
    volume_mL, spacing_mm : at each site [mL, mm].
    interval_weeks, sessions : how far apart [week], how many.
    patches : ids of the patches injected.
    """

    strengths_mg_per_mL: tuple[float, ...] = ()  # noqa: N815 - unit symbol
    volume_mL: float = 0.0  # noqa: N815 - unit symbol
    spacing_mm: float = 0.0
    interval_weeks: float = 0.0
    sessions: int = 0
    patches: tuple[str, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """One plan that could be chosen.

    Parameters
    ----------
    name : short, unique, for people.
    plan : the plan, with its findings.
    kind : named protocol, variation, wait, stop, step up or step down.
    findings : what the rules of the profile say, gravest first.
    blocked : whether a rule blocks it; such a plan is shown and never offered.
    binding : the limit that binds first; None when no limit concerns it.
    design : its numbers.
    sources : references that support it.
    also : other names of the same plan, for example that it is the step up.
    """

    name: str
    plan: Plan
    kind: Kind
    findings: tuple[Finding, ...]
    blocked: bool
    binding: BindingLimit | None
    design: Design
    sources: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


def candidate_plans(
    patient: Patient,
    *,
    on: date | None = None,
    profile: "Profile | str | None" = None,
    protocols: Sequence[str] | None = None,
    grid: Grid | None = None,
) -> tuple[Candidate, ...]:
    """Make the plans that one patient could be given, and hold each against the rules.

    Named protocols, no further injection, steps up and down from the last strength, waiting, and
    every combination of the grid; the same plan stands once. Sites lie where `make_plan` puts
    them. A plan starts on the day asked for, or one of its intervals after the latest session
    when that is later.

    Parameters
    ----------
    patient : a record without errors, with at least one patch drawn.
    on : first day on which a session may fall; None for the latest visit.
    profile : rules to judge by; None for ``anagen-default``.
    protocols : keys of the named protocols; None for those of the scalp that are not for research.
    grid : what is varied; None for `load_grid`.

    Returns
    -------
    tuple of Candidate
        At most `MOST`; when the grid holds more, variations that differ from the protocol varied
        in the fewest numbers stay. Blocked ones are among them, marked.

    Raises
    ------
    InputError
        When no patch is drawn, or grid, profile or protocols cannot be meant.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from anagen.patient import PatchSeen, Visit
    >>> from anagen.scalp import PatchShape, circle_outline
    >>> shape = PatchShape(outlines=(circle_outline("top", 90.0, 90.0, 30.0),))
    >>> visit = Visit(date=date(2026, 3, 2), patches=(PatchSeen(id="A", shape=shape),))
    >>> small = replace(load_grid(), strengths_mg_per_mL=(5.0,), volumes_mL=(0.1,),
    ...                 spacings_mm=(10.0,), waits_weeks=())
    >>> made = candidate_plans(Patient(id="P1", visits=(visit,)), protocols=[], grid=small)
    >>> made[1].name, made[1].plan.sessions[1].date.isoformat()
    ('5 mg/mL, 0.1 mL, 10 mm, every 4 weeks x6', '2026-03-30')
    """
    chosen = load_grid() if grid is None else grid
    check_grid(chosen)
    rules = load_profile(profile) if profile is None or isinstance(profile, str) else profile
    ground = find_ground(patient, on)
    last = _last_given(patient)
    proposals = propose(chosen, protocols, _choices(ground, chosen), last[1])
    made: list[Candidate] = []
    write = _writer(ground)
    judge = _judge(patient, ground, rules)
    for proposal, also in _distinct(proposals):
        start = _start(ground.on, last[0], proposal)
        protocol = proposal.protocol
        placed = place_sessions(ground.skin, protocol, proposal.patches) if protocol else ()
        if protocol is not None and not any(placed):
            continue
        plan = _plan(patient.id, ground, proposal, placed, start, write)
        found, binding = judge(plan, placed)
        made.append(
            Candidate(
                name=proposal.name,
                plan=plan.model_copy(update={"findings": found}),
                kind=proposal.kind,
                findings=found,
                blocked=blocked(found),
                binding=binding,
                design=_design(proposal),
                sources=proposal.sources,
                also=also,
            )
        )
    return tuple(made)


def _choices(ground: Ground, grid: Grid) -> dict[PatchChoice, tuple[str, ...]]:
    """Ids of the patches injected, by choice."""
    free = ground.skin.open
    active = tuple(name for name in free if ground.seen[name].activity not in _HEALING)
    worst = max(free, key=lambda name: ground.bald_cm2[name], default=None)
    every: dict[PatchChoice, tuple[str, ...]] = {
        "all": free,
        "active": active,
        "worst": () if worst is None else (worst,),
    }
    return {choice: every[choice] for choice in grid.patches if every[choice] or choice == "all"}


def _last_given(patient: Patient) -> tuple[date | None, float | None]:
    """Day of the latest session, and the strength of the latest that gave steroid [mg/mL]."""
    given = [
        (session.date, max((site.strength_mg_per_mL for site in session.injections
                            if site.status != "skipped"), default=0.0))
        for session in patient.sessions
    ]  # fmt: skip
    given += [(row.date, row.strength_mg_per_mL or 0.0) for row in patient.session_summaries]
    strengths = [strength for _, strength in sorted(given) if strength > 0]
    days = max((day for day, _ in given), default=None)
    return days, (strengths[-1] if strengths else None)


def _distinct(
    proposals: Iterable[Proposal],
) -> list[tuple[Proposal, tuple[str, ...]]]:
    """Proposals that are no plan twice, with the other names of each; at most `MOST`."""
    kept: dict[tuple[Any, ...], Proposal] = {}
    names: dict[tuple[Any, ...], list[str]] = {}
    for proposal in proposals:
        key = signature(proposal)
        if key in kept:
            if proposal.kind not in ("variation", "named protocol"):
                names[key].append(proposal.name)
            continue
        kept[key], names[key] = proposal, []
    return [(kept[key], tuple(names[key])) for key in list(kept)[:MOST]]


def _start(on: date, last: date | None, proposal: Proposal) -> date:
    protocol = proposal.protocol
    if protocol is None:
        return on
    first = on if last is None else max(on, last + timedelta(days=protocol.interval_days))
    return first + timedelta(days=proposal.wait_days)


def _design(proposal: Proposal) -> Design:
    protocol = proposal.protocol
    if protocol is None:
        return Design()
    return Design(
        strengths_mg_per_mL=protocol.strengths_mg_per_mL,
        volume_mL=protocol.volume_mL,
        spacing_mm=protocol.layout.spacing_mm,
        interval_weeks=timedelta(days=protocol.interval_days) / timedelta(weeks=1),
        sessions=protocol.sessions,
        patches=proposal.patches,
    )


# ---- plans --------------------------------------------------------------------------------------

Write = Callable[[Protocol, float, tuple[Site, ...]], tuple[Injection, ...]]


def _writer(ground: Ground) -> Write:
    """Injections at sites, each validated once and then shared."""

    @cache
    def write(
        product: str, strength: float, volume: float, depth: float, gauge: int,
        sites: tuple[Site, ...],
    ) -> tuple[Injection, ...]:  # fmt: skip
        return tuple(
            Injection(
                number=site.number,
                location=site_drawn(ground.skin, site.position),
                patch=site.patch,
                product=product,
                strength_mg_per_mL=strength,
                volume_mL=volume,
                depth_mm=depth,
                needle_gauge=gauge,
            )
            for site in sites
        )

    return lambda protocol, strength, sites: write(
        protocol.product, strength, protocol.volume_mL, protocol.depth_mm,
        protocol.needle_gauge, sites,
    )  # fmt: skip


def _plan(
    patient: str,
    ground: Ground,
    proposal: Proposal,
    placed: Sequence[tuple[Site, ...]],
    start: date,
    write: Write,
) -> Plan:
    protocol = proposal.protocol
    if protocol is None:
        return Plan(protocol="none", patient=patient, notes=("no further injection",))
    return Plan(
        protocol=protocol.key,
        patient=patient,
        sessions=tuple(
            Session(
                date=start + timedelta(days=protocol.interval_days * index),
                injections=write(protocol, strength_at(protocol, index), sites),
                diluent=protocol.diluent,
                comfort=protocol.comfort,
            )
            for index, sites in enumerate(placed)
        ),
        created_from=CreatedFrom(
            anagen=__version__,
            circumference_mm=ground.skin.scalp.circumference_mm,
            cell_mm=ground.skin.scalp.cell_mm,
            layout=protocol.layout,
            alternate=True,
        ),
        limits=_limits(ground, protocol, proposal.patches),
        notes=_notes(protocol),
        gates=protocol.gates,
    )


def _limits(ground: Ground, protocol: Protocol, patches: tuple[str, ...]) -> tuple[str, ...]:
    words = [f"patch {name} is blocked: no sites" for name in ground.skin.closed]
    wanted = sites_wanted(ground.skin, protocol, patches)
    if wanted > site_cap(protocol):
        words.append(f"{protocol.session_volume_mL:g} mL a session binds first: "
                     f"{site_cap(protocol)} of {wanted} sites of {protocol.volume_mL:g} mL, those "
                     f"that reach most skin not treated before")  # fmt: skip
    return tuple(words)


def _notes(protocol: Protocol) -> tuple[str, ...]:
    notes = []
    if protocol.steps == "by response":
        notes.append("strengths step up as if each response fell short: before each step, keep "
                     "the lower strength when hair is returning")  # fmt: skip
    if protocol.changed:
        notes.append(f"changed from the protocol {protocol.key!r}: {', '.join(protocol.changed)}")
    return tuple(notes)


# ---- rules --------------------------------------------------------------------------------------


def _judge(
    patient: Patient, ground: Ground, profile: "Profile"
) -> Callable[[Plan, Sequence[tuple[Site, ...]]], tuple[tuple[Finding, ...], BindingLimit | None]]:
    """Hold plans against the rules of a profile, each as of its first session."""

    @cache
    def known(day: date) -> Facts:
        return facts(patient, day)

    def judge(
        plan: Plan, placed: Sequence[tuple[Site, ...]]
    ) -> tuple[tuple[Finding, ...], BindingLimit | None]:
        if not plan.sessions:
            # What forbids an injection does not forbid leaving it out.
            found = check([], known(ground.on), profile)
            return tuple(f for f in found if f.severity != "block"), None
        person = known(plan.sessions[0].date)
        found = check(
            plan,
            person,
            profile,
            positions=[drawn_positions(ground.skin, sites) for sites in placed],
            scalp=ground.skin.scalp,
        )
        limits = which_limit_binds_first(plan, person, profile)
        return tuple(found), limits[0] if limits else None

    return judge
