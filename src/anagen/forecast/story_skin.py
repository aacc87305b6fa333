"""What really happens in the patches of a story, followed by the model from visit to visit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from anagen._runtime import prepare_jax
from anagen.forecast.blood import follow_blood
from anagen.forecast.case import WEEK, Case, PatchCase, bald_ages, make_case
from anagen.forecast.course import Seen, SiteSet, ground_of, pad_rows
from anagen.forecast.doses import Frame, PatchDose, patch_doses, rows_of, sets_of
from anagen.forecast.past import begin, body_of, run_chunks, traits_of
from anagen.forecast.prior import Prior, Values, draw, log_prior, make_prior
from anagen.forecast.readings import Kind as ReadingKind
from anagen.forecast.readings import Observation, below
from anagen.forecast.story_kinds import load_story_rows
from anagen.forecast.update import skin_of
from anagen.patient import Patient
from anagen.population.person import Body
from anagen.population.posterior import Posterior
from anagen.population.site_sets import usual_places
from anagen.treatment import Session
from anagen.treatment.technique import technique

CANDIDATES = 64
_SEGMENT = 13  # weeks followed at once, for which the course has one compilation
_BLOOD_DAYS = 182  # before a reading of cortisol, from which the axis is followed
HARMS: tuple[ReadingKind, ...] = ("atrophy", "telangiectasia", "colour")


@dataclass(frozen=True)
class Look:
    """A patch at one moment: cover, bald area relative to the first, terminal share [1] ..."""

    cover: float
    missing: float
    terminal: float
    attack: float
    thinning: float


@dataclass(frozen=True)
class Skin:
    """A patch that is followed.

    Parameters
    ----------
    id : of the patch first drawn there; patch : area, diameter, age; number : of its traits.
    cover : (cell,) of its first outline; frame : of its sites.
    state : of one person, before the first week a `Start`; week : since the story began.
    doses : given so far; look : now.
    """

    id: str
    patch: PatchCase
    number: int | None
    cover: np.ndarray
    frame: Frame
    state: Any
    week: int
    doses: tuple[PatchDose, ...]
    look: Look


@dataclass(frozen=True)
class World:
    """One person as the model has them.

    Parameters
    ----------
    case : at the first visit; body; x : (1, unknown); harm : half point and width of visible harm.
    first : day of the first visit; skins : patches by id.
    """

    case: Case
    body: Body
    x: Values
    harm: Mapping[str, Values]
    first: date
    skins: Mapping[str, Skin]


def make_world(
    case: Case,
    posterior: Posterior,
    sessions: Sequence[Session],
    wanted: Sequence[float],
    random: np.random.Generator,
) -> World:
    """Choose the person of a story among people like this patient, and begin to follow them.

    Parameters
    ----------
    case : the patient at the first visit; posterior : population.
    sessions : under which the cover at weeks 12 and 24 is compared.
    wanted : that cover [1]; empty for anybody.
    random : its state moves on.
    """
    prepare_jax()
    prior = make_prior(posterior, case.shown, case.known, bald_ages(case))
    x = _people(prior, random)
    chosen = int(random.integers(len(x)))
    if wanted:
        chosen = _nearest(case, x, sessions, wanted)
    one = x[chosen][None]
    harm = skin_of(prior, posterior, one, random)
    world = World(case, body_of(case), one, harm, case.origin, {})
    for number, patch in enumerate(case.patches):
        world = add_skin(world, patch, number, 0, case.covers[patch.id], case.frames[patch.id])
    return world


def _people(prior: Prior, random: np.random.Generator) -> Values:
    """People (person, unknown) of the prior."""
    x, log_q = draw(prior, random.uniform(size=(CANDIDATES, prior.size)))
    target, _ = log_prior(prior, x)
    weight = np.exp(target - log_q - np.max(target - log_q))
    taken = random.choice(CANDIDATES, size=CANDIDATES, p=weight / weight.sum())
    return np.asarray(x[taken])


def _nearest(case: Case, x: Values, sessions: Sequence[Session], wanted: Sequence[float]) -> int:
    """Find the number of the person whose cover comes nearest, in the mean of the patches."""
    given = patch_doses(sessions, case.scalp, case.covers, case.frames)
    body = body_of(case)
    miss = np.zeros(len(x))
    for number, patch in enumerate(case.patches[:3]):
        skin = Skin(patch.id, _laid(patch), number, case.covers[patch.id], case.frames[patch.id],
                    begin(_laid(patch), len(x), np.zeros(len(x))), 0, given[patch.id],
                    _NOWHERE)  # fmt: skip
        for goal in wanted:
            seen, state = _run(body, traits_of(case, x, number), skin, case.origin, _SEGMENT)
            skin = replace(skin, state=state, week=skin.week + _SEGMENT)
            gap = seen.outcome.cover[:, -1] - goal
            miss += np.where(np.isnan(gap), np.inf, gap**2)
    return int(np.argmin(miss))


_NOWHERE = Look(0.0, 1.0, 0.0, 0.0, 0.0)


def _laid(patch: PatchCase) -> PatchCase:
    """Take the patch on the usual lattice, whatever is injected later."""
    usual = SiteSet(usual_places(patch.diameter, technique("placement.spacing")),
                    technique("injection.volume"), technique("injection.depth"))  # fmt: skip
    return replace(patch, reference=usual, doses=())


def _run(
    body: Body, traits: Mapping[str, Values], skin: Skin, first: date, weeks: int
) -> tuple[Seen, Any]:
    sets = sets_of(skin.patch.reference, skin.doses)
    day = first + timedelta(days=WEEK * skin.week)
    rows = pad_rows(rows_of(skin.doses, sets, day, WEEK * max(weeks, 1)))
    ground = ground_of(skin.patch.diameter, sets)
    return run_chunks(body, traits, ground, rows, weeks, skin.state)


def add_skin(
    world: World, patch: PatchCase, number: int | None, week: int, cover: np.ndarray, frame: Frame
) -> World:
    """Begin to follow a patch as it was first drawn."""
    laid = _laid(patch)
    skin = Skin(patch.id, laid, number, cover, frame, begin(laid, 1, np.zeros(1)), week, (),
                _NOWHERE)  # fmt: skip
    return _followed(world, skin, 0)


def advance(world: World, week: int) -> World:
    """Follow every patch up to a week of the story."""
    for skin in world.skins.values():
        while (left := week - world.skins[skin.id].week) > 0:
            world = _followed(world, world.skins[skin.id], min(left, _SEGMENT))
    return world


def _followed(world: World, skin: Skin, weeks: int) -> World:
    traits = traits_of(world.case, world.x, skin.number)
    seen, state = _run(world.body, traits, skin, world.first, weeks)
    outcome = seen.outcome
    thinning = max(skin.look.thinning, 1.0 - float(np.min(outcome.thinnest[0])))
    look = Look(
        cover=float(outcome.cover[0, -1]),
        missing=float(outcome.bald_area[0, -1]) / skin.patch.laid_out,
        terminal=float(outcome.terminal_share[0, -1]),
        attack=float(outcome.attack[0, -1]),
        thinning=thinning,
    )
    new = replace(skin, state=state, week=skin.week + weeks, look=look)
    return replace(world, skins={**world.skins, skin.id: new})


def inject(world: World, session: Session, where: Mapping[str, str]) -> World:
    """Give a session; ``where`` says in which followed patch each recorded one lies."""
    moved = session.model_copy(update={"injections": tuple(
        item.model_copy(update={"patch": where.get(item.patch or "", item.patch)})
        for item in session.injections
    )})  # fmt: skip
    covers = {name: skin.cover for name, skin in world.skins.items()}
    frames = {name: skin.frame for name, skin in world.skins.items()}
    doses = patch_doses([moved], world.case.scalp, covers, frames)
    skins = {name: replace(skin, doses=(*skin.doses, *doses[name]))
             for name, skin in world.skins.items()}  # fmt: skip
    return replace(world, skins=skins)


def strike(world: World, name: str) -> World:
    """Let the attack come back in a patch."""
    rows = load_story_rows()
    skin = world.skins[name]
    immune = skin.state.immune
    ones = np.ones_like(immune.attack)
    struck = immune._replace(
        attack=np.maximum(immune.attack, rows.number("struck_attack") * ones),
        privilege=rows.number("struck_privilege") * ones,
        tolerance=0.0 * ones,
    )
    state = skin.state._replace(immune=struck)
    return replace(world, skins={**world.skins, name: replace(skin, state=state)})


def harm_chance(world: World, skin: Skin, kind: ReadingKind) -> float:
    """Chance [1] that a harm is visible on a patch now."""
    edges = (-np.inf, 0.5, np.inf)
    one = Observation(kind, world.first, skin.id, edges[0], edges[1], edges, "clinician", 1.0,
                      "0", "0-4", kind)  # fmt: skip
    row = {"thinning": np.array([skin.look.thinning]), **world.harm}
    return 1.0 - float(below(one, 0.5, row)[0])


def cortisol(world: World, day: date) -> float:
    """Morning cortisol relative to the own baseline [1] on a day."""
    doses = {name: skin.doses for name, skin in world.skins.items()}
    traits = traits_of(world.case, world.x)
    blood = follow_blood(world.body, traits, doses, day, -_BLOOD_DAYS, 0)
    return float(blood.morning[0, -1])


def patch_of(name: str, patient: Patient, day: date) -> tuple[PatchCase, np.ndarray, Frame]:
    """Patch first drawn at a later visit, as a case has it: with its cover (cell,) and frame."""
    visit = next(each for each in patient.visits if each.date == day)
    own = visit.model_copy(update={"patches": tuple(x for x in visit.patches if x.id == name)})
    case = make_case(patient.model_copy(update={"visits": (own,), "sessions": ()}))
    return case.patches[0], case.covers[name], case.frames[name]
