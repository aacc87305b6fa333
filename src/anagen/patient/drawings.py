"""Checks of what is drawn: outlines, masks and the places of injections, on the person's scalp."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from anagen.errors import InputError, Problem
from anagen.patient.issues import Issue, error, issues_of_input_error, warning
from anagen.patient.positions import Path
from anagen.patient.quantities import plausible
from anagen.patient.record import Patient, Visit
from anagen.patient.timeline import patch_shapes, regrowth_percent
from anagen.scalp.shapes import PatchShape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from anagen.scalp.grid import Scalp

    Cover = NDArray[np.float32]

_PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def patient_scalp(patient: Patient, cell_mm: float = 2.0) -> "Scalp":
    """Scalp of a patient: head size and ancestry as recorded, else those of the mean adult.

    Parameters
    ----------
    patient : the record.
    cell_mm : size of the cells of its grid [mm].

    Raises
    ------
    InputError
        When no scalp can be made for a head of that size.

    Examples
    --------
    >>> patient_scalp(Patient(id="P1", head_circumference_mm=560)).circumference_mm
    560.0
    """
    from anagen.scalp.grid import ANCESTRIES, build_scalp

    ancestry = patient.ancestry if patient.ancestry in ANCESTRIES else None
    return build_scalp(patient.head_circumference_mm, cell_mm, ancestry)


def check_drawings(patient: Patient) -> Iterator[Issue]:
    """Find everything wrong or odd in outlines, masks and places of injections.

    Parameters
    ----------
    patient : the record.

    Yields
    ------
    Issue
        Errors: off the scalp, crossing itself, overlapping. Warnings: touching patches that
        overlap a little, growth too fast, injections far from their patch, a SALT score that the
        drawings do not support.
    """
    if not _anything_drawn(patient):
        return
    try:
        scalp = patient_scalp(patient)
    except InputError as raised:
        yield from issues_of_input_error(raised, ("head_circumference_mm",))
        return
    before: dict[str, tuple[Visit, Cover]] = {}
    for index, visit in enumerate(patient.visits):
        covers: dict[str, Cover] = {}
        for number, seen in enumerate(visit.patches):
            if seen.shape is None or seen.id in covers:
                continue
            path: Path = ("visits", index, "patches", number, "shape")
            try:
                covers[seen.id] = _cover(scalp, seen.shape)
            except InputError as raised:
                yield from (_at(path, problem) for problem in raised.problems)
                continue
            yield from _growth(scalp, path, before.get(seen.id), visit, covers[seen.id])
            before[seen.id] = visit, covers[seen.id]
        yield from _overlaps(scalp, index, visit, covers)
        yield from _extent(scalp, index, visit, covers)
    yield from _injections(scalp, patient)


def _anything_drawn(patient: Patient) -> bool:
    shapes = any(seen.shape is not None for visit in patient.visits for seen in visit.patches)
    return shapes or any(session.injections for session in patient.sessions)


@lru_cache(maxsize=128)
def _cover(scalp: "Scalp", shape: PatchShape) -> "Cover":
    from anagen.scalp.patches import patch_cells

    _small_enough(shape)
    return patch_cells(scalp, shape, "")


def _small_enough(shape: PatchShape) -> None:
    """Refuse masks so fine that testing them takes minutes.

    Raises
    ------
    InputError
        When a mask has more pixels than a drawing needs.
    """
    entry = plausible("mask_pixels")
    for index, mask in enumerate(shape.masks):
        pixels = sum(map(len, mask.rows))
        if pixels > entry.possible[1]:
            found, remedy = f"{pixels} pixels", "Draw it with pixels of about 1 mm."
            wanted = f"at most {entry.possible[1]:g} pixels"
            raise InputError(Problem(f"masks[{index}]", wanted, found, remedy))


def _at(path: Path, problem: Problem) -> Issue:
    """Issue at a place that the scalp room names below a path, such as ``.outlines[0]``."""
    parts = [int(digits) if digits else name for name, digits in _PART.findall(problem.place)]
    return error((*path, *parts), problem.expected, problem.found, problem.remedy)


def _growth(
    scalp: "Scalp", path: Path, before: "tuple[Visit, Cover] | None", visit: Visit, cover: "Cover"
) -> Iterator[Issue]:
    from anagen.scalp.patches import area_cm2, diameter_mm

    if before is None or visit.date <= before[0].date:
        return
    areas = area_cm2(scalp, before[1]), area_cm2(scalp, cover)
    factor = plausible("patch_area_factor")
    if not factor.usual[0] * areas[0] <= areas[1] <= factor.usual[1] * areas[0]:
        yield warning(
            path,
            f"an area of {areas[0]:.2g} cm2 as on {before[0].date}, at most {factor.usual[1]:g} "
            f"times larger and {1 / factor.usual[0]:g} times smaller",
            f"{areas[1]:.2g} cm2",
            "Check the unit of both outlines (mm, fraction) and the id of the patch. It is kept.",
        )
    weeks = (visit.date - before[0].date).days / 7.0
    growth = (diameter_mm(scalp, cover) - diameter_mm(scalp, before[1])) / 10.0
    limits = plausible("patch_growth")
    if growth / weeks > limits.usual[1]:
        yield warning(
            path,
            f"growth up to {limits.usual[1]:g} cm a week since {before[0].date}",
            f"{growth:.1f} cm in {weeks:.1f} weeks",
            "Check the unit of the outline, or give a new patch its own id.",
        )


def _overlaps(
    scalp: "Scalp", index: int, visit: Visit, covers: "dict[str, Cover]"
) -> Iterator[Issue]:
    from anagen.scalp.patches import area_cm2, overlaps

    limits = plausible("patch_overlap")
    ids = [seen.id for seen in visit.patches]
    for (first, second), shared in overlaps(scalp, covers).items():
        share = shared / min(area_cm2(scalp, covers[first]), area_cm2(scalp, covers[second]))
        if share <= limits.usual[1]:
            continue
        mark = error if share > limits.possible[1] else warning
        yield mark(
            ("visits", index, "patches", ids.index(second), "shape"),
            f"a patch apart from '{first}'",
            f"{100 * share:.0f} % of the smaller one shared",
            f"Redraw one of the two, or give both outlines to '{first}'.",
        )


def _extent(
    scalp: "Scalp", index: int, visit: Visit, covers: "dict[str, Cover]"
) -> Iterator[Issue]:
    """Compare the SALT score written down with what the drawn patches give."""
    from anagen.scalp.patches import area_cm2

    drawn = [seen for seen in visit.patches if seen.id in covers]
    if visit.salt_percent is None or len(drawn) < len(visit.patches) or not drawn:
        return
    whole = len(scalp.position) * scalp.cell_area_mm2 / 100.0
    bald = {seen.id: 100.0 * area_cm2(scalp, covers[seen.id]) / whole for seen in drawn}
    most = min(sum(bald.values()), 100.0)
    regrown = {seen.id: (regrowth_percent(seen) or 0.0) / 100.0 for seen in drawn}
    least = min(sum(bald[name] * (1.0 - regrown[name]) for name in bald), 100.0)
    slack = plausible("loss_difference").usual[1]
    if not least - slack <= visit.salt_percent <= most + slack:
        found = f"{visit.salt_percent:g}, drawn {least:.0f}" + (
            f" to {most:.0f}" if most - least > 1 else ""
        )
        yield warning(
            ("visits", index, "salt_percent"),
            "a score that the drawn patches give",
            found,
            "Draw all patches, or correct the score.",
        )


def _injections(scalp: "Scalp", patient: Patient) -> Iterator[Issue]:
    from anagen.scalp.distance import nearest_cell
    from anagen.scalp.patches import patch_distance
    from anagen.scalp.views import locate

    farthest = plausible("distance_from_patch").usual[1]
    distances: dict[PatchShape, NDArray[np.float64]] = {}
    for index, session in enumerate(patient.sessions):
        shapes = {**patch_shapes(patient), **patch_shapes(patient, session.date)}
        for number, injection in enumerate(session.injections):
            path: Path = ("sessions", index, "injections", number, "location")
            try:
                cell = int(nearest_cell(scalp, locate(scalp, injection.location, "")))
            except InputError as raised:
                yield from (_at(path, problem) for problem in raised.problems)
                continue
            shape = shapes.get(injection.patch or "")
            if shape is None or not _sound(scalp, shape):
                continue
            if shape not in distances:
                distances[shape] = patch_distance(scalp, _cover(scalp, shape))
            away = float(distances[shape][cell])
            if away > farthest:
                yield warning(
                    path,
                    f"a place within {farthest:g} mm of '{injection.patch}'",
                    f"{away:.0f} mm away",
                    "Check view, unit and patch. It is kept.",
                )


def _sound(scalp: "Scalp", shape: PatchShape) -> bool:
    try:
        _cover(scalp, shape)
    except InputError:
        return False
    return True
