"""From readings that were drawn to the record of a visit, as a clinician would have written it."""

from collections.abc import Sequence
from math import isnan

from anagen.evidence.scales import load_scales
from anagen.forecast.observation_data import observation_number
from anagen.forecast.readings import Observation
from anagen.patient import PatchSeen, Patient, Reading, Trichoscopy, Visit
from anagen.units import convert


def bin_of(one: Observation) -> int:
    """Tell the number of the bin of a reading, the lowest is 0.

    Examples
    --------
    >>> from datetime import date
    >>> bin_of(Observation("cover", date(2026, 1, 1), "A", 0.5, float("inf"),
    ...        (-float("inf"), 0.5, float("inf")), "clinician", 1.0, "", "%", "regrowth"))
    1
    """
    return one.edges.index(one.low)


def write_visit(visit: Visit, read: Sequence[Observation]) -> Visit:
    """Put readings of a visit in place of those that stood for them.

    Parameters
    ----------
    visit : its percentages lie on the steps of `observation_number`, so that the bins of the
        readings are what can be written; a grade, share or count without a reading stays.
    read : readings of that visit, made from its own by `anagen.forecast.readings.replicate`.

    Returns
    -------
    Visit
        Read again, it gives the same bins, but for a terminal share where nothing has regrown,
        which nobody writes.
    """
    mine = [one for one in read if one.day == visit.date and not isnan(one.low)]
    patches = tuple(
        _patch(seen, [one for one in mine if one.patch == seen.id]) for seen in visit.patches
    )
    changes: dict[str, object] = {"patches": patches}
    for one in mine:
        if one.kind == "salt":
            changes["salt_percent"] = _percent(bin_of(one), observation_number("salt_step"))
    return visit.model_copy(update=changes)


def write_record(patient: Patient, read: Sequence[Observation]) -> Patient:
    """Put readings in place of those that stood for them at all visits; see `write_visit`.

    Harm once written stays written, for skin that shows it shows it again.
    """
    visits: list[Visit] = []
    worst: dict[tuple[str, str], int] = {}
    for visit in patient.visits:
        written = write_visit(visit, read)
        patches = []
        for seen in written.patches:
            grades = {}
            for name in _HARMS.values():
                grade = getattr(seen, name)
                if grade is not None:
                    key = (seen.id, name)
                    grades[name] = worst[key] = max(grade, worst.get(key, 0))
            patches.append(seen.model_copy(update=grades))
        visits.append(written.model_copy(update={"patches": tuple(patches)}))
    return patient.model_copy(update={"visits": tuple(visits)})


_HARMS = {
    "atrophy": "atrophy_grade",
    "telangiectasia": "telangiectasia_grade",
    "colour": "colour_change_grade",
}


def _patch(seen: PatchSeen, read: Sequence[Observation]) -> PatchSeen:
    changes: dict[str, object] = {}
    own = [one for one in read if one.rater == "clinician"]
    changes.update(_regrowth(own))
    if changes.get("regrowth_percent") == 0.0:
        changes["terminal_percent"] = None
    for one in own:
        if one.kind == "trichoscopy":
            changes["trichoscopy"] = _signs(seen.trichoscopy or Trichoscopy(), bin_of(one))
        elif one.kind == "pull":
            changes["pull_test_hairs"] = _hairs(bin_of(one))
        elif one.kind in _HARMS:
            changes[_HARMS[one.kind]] = bin_of(one)
    changes["readings"] = tuple(_reading(each, read) for each in seen.readings)
    return seen.model_copy(update=changes)


def _reading(reading: Reading, read: Sequence[Observation]) -> Reading:
    own = [one for one in read if one.rater == reading.by != "clinician"]
    return reading.model_copy(update=_regrowth(own))


def _regrowth(read: Sequence[Observation]) -> dict[str, object]:
    """Regrowth and terminal share [%] by field."""
    found: dict[str, object] = {}
    for one in read:
        step = observation_number("percent_step")
        if one.kind == "cover":
            found["regrowth_percent"] = _percent(bin_of(one), step)
        elif one.kind == "missing":
            # Bins of what is missing run the other way, and on beyond the outline.
            found["regrowth_percent"] = _percent(max(round(1.0 / step) - bin_of(one), 0), step)
        elif one.kind == "terminal":
            wide = observation_number("terminal_step")
            found["terminal_percent"] = _percent(bin_of(one), wide)
    return found


def _percent(number: int, step: float) -> float:
    return round(min(convert(number * step, "1", "%"), 100.0), 6)


def _signs(before: Trichoscopy, grade: int) -> Trichoscopy:
    """Signs of activity, the strongest of a grade."""
    less = max(grade - 1, 0)
    return before.model_copy(
        update={"tapering_hairs": grade, "black_dots": less, "broken_hairs": less}
    )


def _hairs(number: int) -> int:
    """Hairs of a pull that was normal, abnormal, or brought many."""
    normal = int(load_scales().pull["more_than_two"].limit)
    return (normal // 2, normal + 2, int(observation_number("pull_many")) + 1)[number]
