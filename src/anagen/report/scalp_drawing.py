"""The head as lines and areas to be drawn by a program: four views and one turned freely."""

from typing import TYPE_CHECKING, Any

import numpy as np

from anagen.report.strands import Array

if TYPE_CHECKING:
    from anagen.scalp import Scalp

# Corners of the nose of the turned head, in units of its half breadth, length and height; it is
# drawn as their hull.
_NOSE = (
    (0.0, 0.99, -0.06), (0.03, 1.0, -0.12), (0.12, 1.0, -0.25), (0.115, 1.01, -0.285),
    (0.05, 1.09, -0.225), (0.045, 1.09, -0.255), (0.04, 1.04, -0.295),
)  # fmt: skip
# How far the rim of an ear stands off the head, as a share of the half breadth.
_EAR_STANDS_OFF = 0.1


def scalp_drawing(scalp: "Scalp") -> dict[str, Any]:
    """Lines and areas that draw a scalp.

    Parameters
    ----------
    scalp : Scalp

    Returns
    -------
    dict
        Plain data, lengths in mm. ``head``: the ellipsoid and its hairline. ``hairline`` and
        ``borders``: lines on the surface. ``marks``: ears and nose in space. ``views``: for each
        its frame, axes, origin (a picture point is ``axes[:2] @ position - origin``), the rings of
        the scalp in sight, and shapes and lines of the mannequin, the farthest first.

    Examples
    --------
    >>> from anagen.scalp import build_scalp
    >>> sorted(scalp_drawing(build_scalp(cell_mm=4.0))["views"])
    ['back', 'left', 'right', 'top']
    """
    from anagen.evidence.parameters import load_parameters
    from anagen.scalp import VIEWS
    from anagen.scalp.lines import hairline_ring, region_borders

    head = scalp.head
    return {
        "circumference_mm": scalp.circumference_mm,
        "area_cm2": len(scalp.position) * scalp.cell_area_mm2 / 100.0,
        "drawing_tolerance_mm": load_parameters().value("scalp.drawing_tolerance", "mm"),
        "head": {
            "semi_axes": list(head.semi_axes),
            "tilt": head.tilt,
            "edge_angle": head.edge_angle,
            "notches": [list(notch) for notch in head.notches],
        },
        "hairline": _rounded(hairline_ring(head)),
        "borders": [_rounded(line) for line in region_borders(scalp)],
        "marks": _marks(scalp),
        "views": {view: _view(scalp, view) for view in VIEWS},
    }


def _view(scalp: "Scalp", view: Any) -> dict[str, Any]:
    from anagen.report.head import silhouette
    from anagen.report.strands import Ellipsoid
    from anagen.scalp import cover_outlines, frame
    from anagen.scalp.views import camera

    axes, origin = camera(scalp, view)
    shapes, lines = silhouette(view, Ellipsoid(np.asarray(scalp.head.semi_axes)))
    rings = cover_outlines(scalp, np.ones(len(scalp.position)), view, pixel_mm=1.0)
    width, height = frame(scalp, view)
    return {
        "width": width,
        "height": height,
        "axes": axes.tolist(),
        "origin": origin.tolist(),
        "scalp": [_rounded(np.array(ring.points)) for ring in rings],
        "shapes": [_rounded(shape - origin) for shape in shapes],
        "lines": [_rounded(line - origin) for line in lines],
    }


def _marks(scalp: "Scalp") -> list[dict[str, Any]]:
    from anagen.report.head import silhouette
    from anagen.report.strands import Ellipsoid

    semi = np.asarray(scalp.head.semi_axes)
    shapes, _ = silhouette("left", Ellipsoid(semi))
    flat = shapes[-1][::6]
    ahead, up = -flat[:, 0], -flat[:, 1]
    inside = np.maximum(1.0 - (ahead / semi[1]) ** 2 - (up / semi[2]) ** 2, 0.0)
    back = (ahead - ahead.max()) / np.ptp(ahead)
    across = semi[0] * (np.sqrt(inside) - _EAR_STANDS_OFF * back)
    right = np.stack([across, ahead, up], axis=-1)
    half = np.array(_NOSE)
    nose = np.concatenate([half, half[::-1] * [-1.0, 1.0, 1.0]])
    return [
        {"name": "ear_left", "ring": _rounded(right * [-1.0, 1.0, 1.0])},
        {"name": "ear_right", "ring": _rounded(right)},
        {"name": "nose", "ring": _rounded(nose * semi)},
    ]


def _rounded(points: Array) -> list[list[float]]:
    """Points to a hundredth of a millimetre: finer than any screen."""
    rounded: list[list[float]] = np.round(points, 2).tolist()
    return rounded
