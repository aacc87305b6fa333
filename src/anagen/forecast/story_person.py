"""Who a story tells of: the record before the first visit, and patches as they are drawn."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from anagen.forecast.story_kinds import Kind, load_story_rows
from anagen.patient import OtherSteroid, Patient, patient_scalp
from anagen.patient.record import History
from anagen.patient.timeline import YEAR
from anagen.population.covariates import MALE, Covariates, draw_covariates
from anagen.population.patch_sizes import draw_patches
from anagen.population.settings import Setting
from anagen.scalp import (
    REGIONS,
    Outline,
    PatchShape,
    best_view,
    edge_distance,
    facing,
    geodesic_distance,
    view_point,
)
from anagen.scalp.grid import ANCESTRIES

if TYPE_CHECKING:
    from anagen.scalp import Scalp

_CORNERS = 24
_UNEVEN = 0.05  # of the radius, by which a border drawn by hand waves
_FACING = 0.85  # cosine to the view, so that an outline is not foreshortened much
_RIM = 8.0  # mm between a patch and the hairline, so that its outline stays on the scalp
_TRIALS = 3000
_MIDDLE, _SIDE = 30.0, 25.0  # mm from the vertex, beyond which a patch is named otherwise


@dataclass(frozen=True)
class Spot:
    """A patch as it is drawn: an ellipse with an uneven border.

    Parameters
    ----------
    id : its name; view, x, y : its middle [mm]; position : (3,) [mm].
    radius : of a disc of its first area [mm]; stretch : long by short axis [1]; turn : [radian].
    first_seen : when it was noticed.
    """

    id: str
    view: str
    x: float
    y: float
    position: tuple[float, float, float]
    radius: float
    first_seen: date
    stretch: float = 1.0
    turn: float = 0.0


def draw_person(
    kind: Kind, seed: int, first: date, random: np.random.Generator
) -> tuple[Patient, tuple[Spot, ...]]:
    """Draw a person and the patches at the first visit.

    Parameters
    ----------
    kind : of story; seed : of the person; first : day of the first visit.
    random : its state moves on.
    """
    rows = load_story_rows()
    bounds = (rows.number("youngest_episode"), rows.number("oldest_episode"))
    setting = Setting(kind.setting, patches=kind.patches, episode_days=bounds)
    people = draw_covariates(1, seed, setting)
    drawn = draw_patches(people, seed)
    count = int(np.clip(int(people.patches[0]), *kind.patches))
    most = rows.number("many_patch" if count > len(REGIONS) else "widest_patch")
    widths = np.clip(np.resize(drawn.diameter_mm, count), rows.number("least_patch"), most)
    ages = np.resize(drawn.age_days, count)
    patient = _person(kind, people, f"S{seed:05d}", first, max(ages), random)
    scalp = patient_scalp(patient)
    spots: list[Spot] = []
    for width, age in zip(widths, ages, strict=True):
        noticed = max(first - timedelta(days=int(age)), patient.onset or first)
        spot = find_spot(scalp, float(width), noticed, spots, random)
        if spot is not None:
            spots.append(spot)
    return patient, tuple(_as_told(kind, spots, scalp))


def _person(
    kind: Kind, people: Covariates, name: str, first: date, age: float, random: np.random.Generator
) -> Patient:
    rows = load_story_rows()
    words = rows.words
    years, weight = float(people.age_years[0]), round(float(people.weight_kg[0]), 1)
    grown = "adult" if years >= rows.number("adult") else "child"
    ancestry = ANCESTRIES[int(people.ancestry[0])]
    male, episode = int(people.sex[0]) == MALE, timedelta(days=age) / YEAR
    recurrent = bool(people.recurrent[0])
    begun = min(float(people.onset_age_years[0]), years) if recurrent else years - episode
    background = _pick(words["interactions" if kind.name == "interaction" else "backgrounds"],
                       random)  # fmt: skip
    allergies = _pick(words["blocking" if kind.name == "allergy" else "harmless"], random)
    height = 100.0 * (weight / rows.number(f"body_mass_{grown}")) ** 0.5
    women = {} if male else {"pregnant": False, "breast_feeding": False}
    return Patient(
        id=name,
        born=first - years * YEAR,
        sex="male" if male else "female",
        weight_kg=weight,
        height_cm=round(height * float(random.normal(1.0, _UNEVEN / 2.0))),
        head_circumference_mm=float(_pick(words["head_mm"][grown], random)),
        ancestry=ancestry,
        skin_type=int(_pick(words["skin_types"][ancestry], random)),
        smoker=grown == "adult" and bool(random.uniform() < rows.number("adverse")),
        onset=first - timedelta(days=int(age)),
        history=History(
            recurrent=recurrent,
            age_at_first_onset_years=round(max(begun, 0.0), 1),
            family_history=bool(people.family_history[0]),
            nail_changes=bool(people.nail_change[0]),
            atopy=bool(people.atopy[0]),
            autoimmune=(),
            ophiasis=False,
        ),
        conditions=tuple(background["conditions"]),
        medicines=tuple(background["medicines"]),
        allergies=tuple(allergies["allergies"]),
        other_steroids=_steroids(first, grown == "adult", random),
        **women,
    )


def _pick(choices: Sequence[Any], random: np.random.Generator) -> Any:
    return choices[int(random.integers(len(choices)))]


def _steroids(first: date, grown: bool, random: np.random.Generator) -> tuple[OtherSteroid, ...]:
    rows = load_story_rows()
    row = _pick(rows.words["steroids"], random)
    if random.uniform() > rows.number("other_steroid") or not grown:
        return ()
    start = first - timedelta(days=int(row["before"]))
    end = start + timedelta(days=int(row["days"]) - 1)
    return (
        OtherSteroid(drug=row["drug"], route=row["route"], total_mg=float(row["total_mg"]),
                     start=start, end=end, note=row["note"]),
    )  # fmt: skip


# ---- where patches lie, and how they are drawn ---------------------------------------------------


def find_spot(
    scalp: "Scalp", width: float, noticed: date, others: Sequence[Spot],
    random: np.random.Generator,
) -> Spot | None:  # fmt: skip
    """Find a place for a patch of a width [mm] away from others; None when there is none."""
    apart = load_story_rows().number("apart")
    for cell in random.integers(len(scalp.position), size=_TRIALS):
        position = scalp.position[cell]
        view = best_view(scalp, position)
        if facing(scalp, position, view) < _FACING:
            continue
        if edge_distance(scalp, position) < width / 2.0 + _RIM:
            continue
        gaps = [
            geodesic_distance(scalp, position, np.array(other.position))
            - other.radius * other.stretch**0.5 - width / 2.0
            for other in others
        ]  # fmt: skip
        if min(gaps, default=apart) < apart:
            continue
        point = view_point(scalp, position, view)
        name = _name(scalp, int(cell), [other.id for other in others])
        place = (float(position[0]), float(position[1]), float(position[2]))
        return Spot(name, view, point.x, point.y, place, width / 2.0, noticed)
    return None


def _name(scalp: "Scalp", cell: int, taken: Sequence[str]) -> str:
    x, y, _ = scalp.position[cell]
    region: str = REGIONS[int(scalp.region[cell])]
    if region == "top":
        region = "frontal" if y > _MIDDLE else "crown" if y < -_MIDDLE else "vertex"
    elif region == "back":
        region = "occiput"
    else:
        region = "side"
    side = "right " if x > _SIDE else "left " if x < -_SIDE else ""
    name, number = side + region, 2
    while name in taken:
        name, number = f"{side}{region} {number}", number + 1
    return name


def _as_told(kind: Kind, spots: Sequence[Spot], scalp: "Scalp") -> list[Spot]:
    """Give the patches of some stories the form and place they need."""
    found = list(spots)
    if kind.name == "split patch":
        found[0] = replace(found[0], stretch=2.6, radius=min(found[0].radius, 13.0))
    if kind.name == "merged patches" and len(found) > 1:
        one, other = found[0], found[1]
        radius = min(one.radius, 10.0)
        along = 2.0 * radius + 4.0
        toward = 1.0 if one.x < 0.5 * _frame(scalp, one.view) else -1.0
        one = replace(one, radius=radius)
        found = [one, replace(other, id=f"{one.id} 2", view=one.view, x=one.x + toward * along,
                              y=one.y, position=one.position, radius=radius)]  # fmt: skip
    return found


def _frame(scalp: "Scalp", view: str) -> float:
    from anagen.scalp import frame

    return float(frame(scalp, view)[0])


def draw_spot(spot: Spot, share: float, random: np.random.Generator) -> PatchShape:
    """Draw a patch by hand when a share [1] of its first area is inside its outline."""
    turns = 2.0 * np.pi * np.arange(_CORNERS) / _CORNERS
    waves = sum(
        random.normal(0.0, _UNEVEN / number) * np.cos(number * turns + random.uniform(0, np.pi))
        for number in (2, 3, 4)
    )
    radius = spot.radius * share**0.5 * (1.0 + waves)
    along = radius * np.cos(turns) * spot.stretch**0.5
    across = radius * np.sin(turns) / spot.stretch**0.5
    x = spot.x + along * np.cos(spot.turn) - across * np.sin(spot.turn)
    y = spot.y + along * np.sin(spot.turn) + across * np.cos(spot.turn)
    points = tuple((round(float(a), 1), round(float(b), 1)) for a, b in zip(x, y, strict=True))
    return PatchShape(outlines=(Outline(view=spot.view, points=points),))


def halves(spot: Spot, name: str, share: float) -> tuple[Spot, Spot]:
    """Two round patches left of a long one, together a share [1] of its area."""
    reach = 0.55 * spot.radius * spot.stretch**0.5
    shift = reach * np.cos(spot.turn), reach * np.sin(spot.turn)
    radius = min(spot.radius * (0.5 * share) ** 0.5, 0.8 * reach)
    one = replace(spot, x=spot.x - shift[0], y=spot.y - shift[1], stretch=1.0, radius=radius)
    return one, replace(one, id=name, x=spot.x + shift[0], y=spot.y + shift[1])


def joined(one: Spot, other: Spot) -> Spot:
    """One long patch over two that have met."""
    gap = float(np.hypot(other.x - one.x, other.y - one.y))
    long, short = 0.5 * gap + one.radius, 1.1 * one.radius
    return replace(
        one, x=0.5 * (one.x + other.x), y=0.5 * (one.y + other.y), radius=(long * short) ** 0.5,
        stretch=long / short, turn=float(np.arctan2(other.y - one.y, other.x - one.x)),
    )  # fmt: skip
