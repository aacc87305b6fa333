"""What a drawing measures: area, width and share of each patch, overlaps, loss by region, SALT."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from anagen.errors import InputError, Problem
from anagen.patient.quantities import plausible
from anagen.scalp.shapes import PatchShape
from anagen.scalp.views import ViewPoint

if TYPE_CHECKING:
    from anagen.scalp.grid import Scalp
    from anagen.scalp.patches import Cover

# Corners of one patch: a hand draws a few hundred; far more would only cost time.
_MOST_CORNERS = 20_000


@dataclass(frozen=True)
class PatchMeasure:
    """What one drawn patch measures.

    Parameters
    ----------
    area_cm2 : on the curved surface [cm2].
    diameter_mm : largest distance along the surface between two of its places [mm].
    share_percent : of the whole scalp [%].
    centroid : its middle, in the view that looks most squarely at it [mm].
    regions : share of its area in each SALT region that it touches [%].
    """

    area_cm2: float
    diameter_mm: float
    share_percent: float
    centroid: ViewPoint
    regions: Mapping[str, float]


@dataclass(frozen=True)
class Overlap:
    """Two patches that share ground.

    Parameters
    ----------
    first, second : ids.
    area_cm2 : shared [cm2].
    """

    first: str
    second: str
    area_cm2: float


@dataclass(frozen=True)
class Measured:
    """What a drawing of all patches measures.

    Parameters
    ----------
    patches : by id; those with a problem are missing.
    overlaps : pairs that share ground.
    area_cm2 : of all patches together, shared ground once [cm2].
    loss_percent : share of each SALT region without hair [%], regrowth taken off.
    salt_percent : SALT score of that loss [%].
    scalp_cm2 : area of the whole scalp [cm2].
    problems : by id, what is wrong with a shape.
    """

    patches: Mapping[str, PatchMeasure]
    overlaps: tuple[Overlap, ...]
    area_cm2: float
    loss_percent: Mapping[str, float]
    salt_percent: float
    scalp_cm2: float
    problems: Mapping[str, tuple[Problem, ...]]


def measure_drawing(
    scalp: "Scalp",
    shapes: Mapping[str, PatchShape],
    regrowth_percent: Mapping[str, float | None] | None = None,
) -> Measured:
    """Measure patches as drawn; a patch that cannot be measured says why, the others count.

    Parameters
    ----------
    scalp : head on which they are drawn.
    shapes : by id of the patch.
    regrowth_percent : by id, share covered again [%]; missing or None counts as none. Hair that is
        back is taken off the loss, where patches overlap the balder one counts.

    Returns
    -------
    Measured

    Raises
    ------
    InputError
        When a share of regrowth is not between 0 and 100, or is of a patch that is not drawn.

    Examples
    --------
    >>> from anagen.scalp import build_scalp, circle_outline
    >>> shape = PatchShape(outlines=(circle_outline("top", 80, 90, 30),))
    >>> round(measure_drawing(build_scalp(), {"P1": shape}, {"P1": 50}).patches["P1"].area_cm2, 1)
    7.2
    """
    import numpy as np

    from anagen.scalp.grid import REGIONS
    from anagen.scalp.patches import overlaps
    from anagen.scalp.scores import salt

    regrown = _checked_regrowth(shapes, regrowth_percent or {})
    covers: dict[str, Cover] = {}
    problems: dict[str, tuple[Problem, ...]] = {}
    measures: dict[str, PatchMeasure] = {}
    for name, shape in shapes.items():
        try:
            covers[name], measures[name] = _measured(scalp, shape)
        except InputError as raised:
            problems[name] = tuple(raised.problems)
    bald = np.zeros(len(scalp.position))
    drawn = np.zeros(len(scalp.position))
    for name, cover in covers.items():
        drawn = np.maximum(drawn, cover)
        bald = np.maximum(bald, cover * (1.0 - regrown.get(name, 0.0) / 100.0))
    loss = {region: float(bald[scalp.region == i].mean()) for i, region in enumerate(REGIONS)}
    return Measured(
        patches=measures,
        overlaps=tuple(
            Overlap(first, second, area)
            for (first, second), area in overlaps(scalp, covers).items()
        ),
        area_cm2=float(drawn.sum() * scalp.cell_area_mm2 / 100.0),
        loss_percent={region: 100.0 * share for region, share in loss.items()},
        salt_percent=salt({region: min(share, 1.0) for region, share in loss.items()}),
        scalp_cm2=float(len(drawn) * scalp.cell_area_mm2 / 100.0),
        problems=problems,
    )


def _checked_regrowth(
    shapes: Iterable[str], regrowth: Mapping[str, float | None]
) -> dict[str, float]:
    known = set(shapes)
    found = {name: value for name, value in regrowth.items() if value is not None}
    problems = [
        Problem(f"regrowth.{name}", "a share from 0 to 100 %", repr(value), "Correct it.")
        for name, value in found.items()
        if not 0.0 <= value <= 100.0
    ]
    problems += [
        Problem(f"regrowth.{name}", "regrowth of a patch that is drawn", "none of that name",
                "Draw the patch, or leave its regrowth out.")
        for name in found if name not in known
    ]  # fmt: skip
    if problems:
        raise InputError(problems)
    return found


# While one patch is drawn the others stay as they are, so that only one is new.
@lru_cache(maxsize=256)
def _measured(scalp: "Scalp", shape: PatchShape) -> "tuple[Cover, PatchMeasure]":
    from anagen.scalp.grid import REGIONS
    from anagen.scalp.patches import area_cm2, centroid, diameter_mm, patch_cells
    from anagen.scalp.views import view_point

    _small_enough(shape)
    cover = patch_cells(scalp, shape, "shape")
    cover.setflags(write=False)
    area = area_cm2(scalp, cover)
    whole = len(cover) * scalp.cell_area_mm2 / 100.0
    parts = {
        region: 100.0 * float(cover[scalp.region == index].sum() / cover.sum())
        for index, region in enumerate(REGIONS)
    }
    return cover, PatchMeasure(
        area_cm2=area,
        diameter_mm=diameter_mm(scalp, cover),
        share_percent=100.0 * area / whole,
        centroid=view_point(scalp, centroid(scalp, cover)),
        regions={region: share for region, share in parts.items() if share > 0.0},
    )


def _small_enough(shape: PatchShape) -> None:
    """Refuse drawings so fine that measuring them takes minutes."""
    most = plausible("mask_pixels").possible[1]
    problems = [
        Problem(f"shape.masks[{index}]", f"at most {most:g} pixels", f"{pixels} pixels",
                "Draw it with pixels of about 1 mm.")
        for index, mask in enumerate(shape.masks)
        if (pixels := sum(map(len, mask.rows))) > most
    ]  # fmt: skip
    corners = sum(len(outline.points) for outline in shape.outlines)
    if corners > _MOST_CORNERS:
        problems.append(
            Problem("shape.outlines", f"at most {_MOST_CORNERS} points", f"{corners} points",
                    "Leave out points; one a millimetre is plenty.")
        )  # fmt: skip
    if problems:
        raise InputError(problems)
