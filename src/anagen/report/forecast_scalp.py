"""The pictured scalp of a forecast: the likely, the lucky and the unlucky course side by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anagen.errors import InputError, Problem
from anagen.report import pictures
from anagen.report import scalp_picture as sizes
from anagen.report.head import bare_head, bare_skin, close_camera, head_camera
from anagen.report.raster import Camera, Ground, paint, prepare
from anagen.report.scalp_picture import (
    _BAR_MM,
    _HEAD_SHARE,
    Frame,
    _close_ups,
    _Looks,
    _state,
    tones_of,
    views_worth_showing,
)
from anagen.report.strands import Array, Ellipsoid, follicles

if TYPE_CHECKING:
    import xarray as xr

    from anagen.patient import Patient
    from anagen.scalp import Scalp

COURSES = ("likely", "lucky", "unlucky")
PLACES = {"top": "From above", "back": "From behind", "left": "From the left",
          "right": "From the right"}  # fmt: skip


@dataclass(frozen=True)
class Sight:
    """One place of the scalp: how it looks now, and over the weeks in every course.

    Parameters
    ----------
    key, title : of the place.
    now : the picture of week 0; None when no course begins there.
    rows : pictures of the later weeks, by course.
    """

    key: str
    title: str
    now: Frame | None
    rows: Mapping[str, tuple[Frame, ...]]


@dataclass(frozen=True)
class _Camera:
    key: str
    title: str
    camera: Camera
    ground: Ground
    bar: float = 0.0


def sights(patient: "Patient", courses: "Mapping[str, xr.Dataset]") -> list[Sight]:
    """Draw the scalp in the view that shows most of it, and the largest patch close up.

    Parameters
    ----------
    patient : the record, for outlines and the tone of the skin.
    courses : course by name, of `COURSES`; those that are missing are left out.

    Raises
    ------
    InputError
        When the courses are not of the same scalp.
    """
    kept = {name: courses[name] for name in COURSES if name in courses}
    if not kept:
        return []
    scalp = _surface(patient, kept)
    looks = {name: _Looks.of(course, scalp) for name, course in kept.items()}
    pool = max(float(look.density.max()) for look in looks.values())
    grown = follicles(scalp, max(pool, 1.0))
    tones = tones_of(patient.skin_type)
    ellipsoid = Ellipsoid(np.asarray(scalp.head.semi_axes, dtype=float))
    drawn = []
    for place in _cameras(scalp, _patches(patient, scalp, kept), ellipsoid, np.array(tones.skin)):
        sheet = prepare(place.camera, grown, ellipsoid)
        frames = {
            name: [
                Frame(week, True, paint(sheet, _state(sheet, grown, look, step), place.ground,
                                        tones), place.bar)
                for step, week in enumerate(look.weeks)
            ]
            for name, look in looks.items()
        }  # fmt: skip
        now = next((frame for row in frames.values() for frame in row if frame.week == 0), None)
        later = {name: tuple(f for f in row if f.week > 0) for name, row in frames.items()}
        drawn.append(Sight(place.key, place.title, now, later))
    return drawn


def _cameras(
    scalp: "Scalp", patches: Mapping[str, Array], ellipsoid: Ellipsoid, skin: Array
) -> list[_Camera]:
    bald = (
        np.max(np.stack(list(patches.values())), axis=0)
        if patches
        else np.ones(len(scalp.position))
    )
    (view,) = views_worth_showing(scalp, np.asarray(bald), most=1)
    camera = head_camera(view, ellipsoid, sizes.HEAD_PIXELS, _HEAD_SHARE)
    found = [_Camera(view, PLACES[view], camera, bare_head(view, camera, ellipsoid, skin))]
    largest = sorted(patches, key=lambda name: -float(patches[name].sum()))[:1]
    for name, centre, span in _close_ups(scalp, {name: patches[name] for name in largest}):
        near = close_camera(ellipsoid, centre, span, sizes.CLOSE_PIXELS)
        ground = bare_skin(near, ellipsoid, skin)
        found.append(_Camera("close-up", f"Patch {name}, close up", near, ground, _BAR_MM / span))
    return found


def _surface(patient: "Patient", courses: "Mapping[str, xr.Dataset]") -> "Scalp":
    scalp = pictures._surface(patient, next(iter(courses.values())), None)
    problems = [
        Problem(f"pictures, {name}", f"{len(scalp.position)} cells, as the scalp has",
                f"{course.sizes.get('cell', 0)} cells", "Simulate all courses on one scalp.")
        for name, course in courses.items()
        if course.sizes.get("cell", 0) != len(scalp.position)
    ]  # fmt: skip
    if problems:
        raise InputError(problems)
    return scalp


def _patches(
    patient: "Patient", scalp: "Scalp", courses: "Mapping[str, xr.Dataset]"
) -> dict[str, Array]:
    from datetime import date

    from anagen.patient import patch_shapes
    from anagen.scalp import patch_cells

    start = str(next(iter(courses.values())).attrs.get("start_date", ""))[:10]
    on = date.fromisoformat(start) if start else date.max
    return {
        name: np.asarray(patch_cells(scalp, shape, f"patch {name}"), dtype=float)
        for name, shape in patch_shapes(patient, on).items()
    }
