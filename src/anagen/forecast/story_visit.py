"""What is seen and written at one visit of a story, with the errors of its readers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from anagen.evidence.parameters import load_parameters
from anagen.forecast.observation_data import observation_number
from anagen.forecast.observations import observe
from anagen.forecast.readings import Observation, baseline_error, below, day_error
from anagen.forecast.story_kinds import load_story_rows
from anagen.forecast.story_person import Spot, draw_spot
from anagen.forecast.story_skin import HARMS, Look, World, harm_chance
from anagen.forecast.written import write_visit
from anagen.patient import PatchSeen, Patient, Reading, Trichoscopy, Visit, patient_scalp
from anagen.patient.record import Activity
from anagen.scalp import PatchShape, area_cm2, patch_cells, shape_problems
from anagen.units import convert

_GRADES = {
    "atrophy": "atrophy_grade",
    "telangiectasia": "telangiectasia_grade",
    "colour": "colour_change_grade",
}
_MOST_SIGNS = 3
_PAIN_TOP = 10.0  # end of the numeric rating scale


@dataclass(frozen=True)
class Drawn:
    """A patch of the record on its way through the visits.

    Parameters
    ----------
    spot : as first drawn; skin : id of the followed patch it lies in; part : its share of that [1].
    area : first area [mm2]; outline : latest area relative to it [1]; shape : latest outline.
    left : bald share of the outline at the visit before [1].
    harms : for each harm the chance from which this skin shows it [1].
    closed : why it is no longer a patch of its own; empty while it is.
    """

    spot: Spot
    skin: str
    part: float
    area: float
    outline: float
    shape: PatchShape
    left: float
    harms: Mapping[str, float]
    closed: str = ""


def draw_first(
    patient: Patient, spot: Spot, skin: str, part: float, random: np.random.Generator
) -> Drawn:
    """Draw a patch for the first time."""
    shape = draw_spot(spot, 1.0, random)
    area = convert(area_of(patient, shape), "cm^2", "mm^2")
    harms: dict[str, float] = {kind: float(random.uniform()) for kind in HARMS}
    return Drawn(spot, skin, part, area, 1.0, shape, 1.0, harms)


def area_of(patient: Patient, shape: PatchShape) -> float:
    """Area of a drawn shape [cm2]."""
    scalp = patient_scalp(patient)
    return area_cm2(scalp, patch_cells(scalp, shape))


def missing(world: World, one: Drawn) -> float:
    """Bald area of a recorded patch relative to its first outline [1]."""
    skin = world.skins[one.skin]
    return skin.look.missing * skin.patch.area * one.part / one.area


def redraw(
    patient: Patient, world: World, one: Drawn, random: np.random.Generator
) -> tuple[Drawn, bool]:
    """Draw an outline anew where the patch has shrunk or grown much; whether it was."""
    rows = load_story_rows()
    bald = missing(world, one)
    wanted = one.outline
    if bald > rows.number("grown") * one.outline:
        wanted = bald
    elif observation_number("percent_step") < bald < rows.number("redraw") * one.outline:
        # The share regrown within the outline must not fall because the outline shrank.
        wanted = max(bald ** rows.number("shrink"), bald / max(one.left, bald))
    if abs(wanted / one.outline - 1.0) < 2.0 * observation_number("area_step"):
        return one, False
    shape = draw_spot(one.spot, wanted, random)
    if shape_problems(patient_scalp(patient), shape):
        # Grown beyond the hairline in this view: the outline stays as it was last drawn.
        return one, False
    area = convert(area_of(patient, shape), "cm^2", "mm^2")
    return replace(one, shape=shape, outline=area / one.area), True


def see(
    patient: Patient,
    world: World,
    day: date,
    drawn: Sequence[tuple[Drawn, bool]],
    random: np.random.Generator,
) -> Visit:
    """Look at every patch of the record and write down what was read.

    Parameters
    ----------
    patient : the record of the visits before; world : as it is on that day.
    drawn : patches with whether their outline is drawn at this visit.
    """
    form = Visit(
        date=day, salt_percent=1.0,
        patches=tuple(_form(patient, world, one, fresh, random) for one, fresh in drawn),
    )  # fmt: skip
    asked = patient.model_copy(update={"visits": (*patient.visits, form)})
    known = {seen.id for visit in patient.visits for seen in visit.patches}
    by_id = {one.spot.id: one for one, _ in drawn}
    read = []
    for one in observe(asked):
        skipped = one.kind in ("cover", "missing", "terminal") and one.patch not in known
        if one.day != day or one.kind in HARMS or skipped:
            continue
        row = _row(patient, world, by_id, one.patch)
        read.append(_read(one, row, random))
    visit = write_visit(form, read)
    patches = tuple(
        _harmed(world, by_id[seen.id], _described(seen, by_id[seen.id], world, known))
        for seen in visit.patches
    )
    return visit.model_copy(update={"patches": patches})


def _read(one: Observation, row: Mapping[str, float], random: np.random.Generator) -> Observation:
    """Read with the error of the reader, but without slips of the pen."""
    edges = np.array(one.edges)
    row_of_one = {key: np.array([value]) for key, value in row.items()}
    reached = below(one, edges[1:-1, None], row_of_one)[:, 0]
    number = int((reached < random.uniform()).sum())
    return replace(one, low=one.edges[number], high=one.edges[number + 1])


def _form(
    patient: Patient, world: World, one: Drawn, fresh: bool, random: np.random.Generator
) -> PatchSeen:
    """Patch with a number in place of every reading."""
    known = any(seen.id == one.spot.id for visit in patient.visits for seen in visit.patches)
    signs = Trichoscopy(tapering_hairs=1, black_dots=1, broken_hairs=1)
    rows = load_story_rows()
    readings: tuple[Reading, ...] = ()
    if known and random.uniform() < rows.number("second_reader"):
        by: Any = "photo" if random.integers(2) else "patient"
        readings = (Reading(rater="photo reader" if by == "photo" else "patient", by=by,
                            regrowth_percent=50.0),)  # fmt: skip
    return PatchSeen(
        id=one.spot.id,
        shape=one.shape if fresh else None,
        first_seen=one.spot.first_seen,
        regrowth_percent=50.0 if known else _first_read(world, one),
        terminal_percent=50.0 if known else None,
        pull_test_hairs=1,
        trichoscopy=signs,
        readings=readings,
    )


def _first_read(world: World, one: Drawn) -> float:
    """Regrowth [%] of a patch drawn for the first time, in the steps in which people write it."""
    step = observation_number("percent_step")
    regrown = step * round(max(1.0 - missing(world, one), 0.0) / step)
    return round(convert(regrown, "1", "%"), 6)


def _row(
    patient: Patient, world: World, drawn: Mapping[str, Drawn], name: str | None
) -> dict[str, float]:
    """Predict what one reading is of, by name; the whole scalp without a name."""
    if name is None:
        scalp = patient_scalp(patient)
        whole = len(scalp.position) * scalp.cell_area_mm2
        bald = sum(missing(world, one) * one.area for one in drawn.values() if not one.closed)
        return {"salt": convert(min(bald / whole, 1.0), "1", "%")}
    one = drawn[name]
    look: Look = world.skins[one.skin].look
    bald = missing(world, one)
    whole_skin = one.part == 1.0 and one.spot.id == one.skin
    return {
        "cover": look.cover if whole_skin else max(1.0 - bald, 0.0),
        "missing": bald,
        "terminal_share": look.terminal,
        "attack": look.attack,
    }


def _described(seen: PatchSeen, one: Drawn, world: World, known: set[str]) -> PatchSeen:
    """Add what follows from the readings: how the patch is called, yellow dots, fine hairs."""
    rows = load_story_rows()
    regrown = seen.regrowth_percent or 0.0
    signs = seen.trichoscopy or Trichoscopy()
    active = (signs.tapering_hairs or 0) > 1
    word: Activity = "active" if active or one.spot.id not in known else "stable"
    if regrown >= rows.number("closed"):
        word = "resolved"
    elif regrown >= rows.number("gate") and not active:
        word = "regrowing"
    share = convert(regrown, "%", "1")
    fine = 1.0 - convert(seen.terminal_percent or 0.0, "%", "1")
    signs = signs.model_copy(update={
        "yellow_dots": round((_MOST_SIGNS - 1) * (1.0 - share)),
        "short_vellus_hairs": min(round(2 * _MOST_SIGNS * share * fine), _MOST_SIGNS),
    })  # fmt: skip
    return seen.model_copy(update={"activity": word, "trichoscopy": signs})


def _harmed(world: World, one: Drawn, seen: PatchSeen) -> PatchSeen:
    skin = world.skins[one.skin]
    grades = {
        _GRADES[kind]: int(harm_chance(world, skin, kind) > one.harms[kind]) for kind in HARMS
    }
    return seen.model_copy(update=grades)


def close(one: Drawn, reason: str) -> tuple[Drawn, PatchSeen]:
    """Close a patch that is no longer one of its own."""
    closed = replace(one, closed=reason)
    return closed, PatchSeen(id=one.spot.id, blocked=reason)


def left_in(visit: Visit, name: str) -> float:
    """Bald share of an outline as written at a visit [1]."""
    regrown = next(seen.regrowth_percent for seen in visit.patches if seen.id == name)
    return 1.0 - convert(regrown or 0.0, "%", "1")


def cortisol_read(relative: float, own: float, random: np.random.Generator) -> float:
    """Read morning cortisol [nmol/L]: a share [1] of the own baseline, on one day."""
    return round(own * relative * float(np.exp(day_error() * random.normal())))


def own_cortisol(random: np.random.Generator) -> float:
    """Draw a person's own morning cortisol without drug [nmol/L]."""
    from anagen.biology.cortisol import Cortisol, baseline

    axis = Cortisol.from_parameters(load_parameters())
    level = convert(float(baseline(axis, axis.morning_hour)), "ng/mL", "g/L")
    typical = convert(level / observation_number("cortisol_mass"), "mol/L", "nmol/L")
    between = float(np.sqrt(baseline_error() ** 2 - day_error() ** 2))
    return typical * float(np.exp(between * random.normal()))


def pain_read(expected: float, factor: float, random: np.random.Generator) -> int:
    """Score 0-10 remembered of a session whose typical score is expected.

    Parameters
    ----------
    expected : 0-10 for the typical person; factor : [1] of this person on the open scale.
    """
    from anagen.forecast.prior import forecast_numbers

    slip = float(np.exp(forecast_numbers()["pain_memory"].value * random.normal()))
    opened = -_PAIN_TOP * np.log1p(-min(expected, 0.99 * _PAIN_TOP) / _PAIN_TOP)
    return round(float(-_PAIN_TOP * np.expm1(-opened * factor * slip / _PAIN_TOP)))


def pain_factor(random: np.random.Generator) -> float:
    """Draw how much more sessions hurt a person than the typical one [1]."""
    spread = load_parameters().value("pain.person_spread", "1")
    return float(np.exp(spread * random.normal()))
