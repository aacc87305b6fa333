"""The head as an ellipsoid, the scalp as a cap of it, and the cap's equal-area chart.

The ellipsoid with semi-axes ``s`` is the image of the unit sphere: position = s * u. A point has an
angle ``theta`` from the cap's axis, which leans backward, and an azimuth ``phi`` around it (0
toward the front, increasing to the patient's right). The hairline is nearly a circle around that
axis, that is a plane that falls from the forehead to the nape, drawn in at the temples and ears.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from anagen.evidence.parameters import load_parameters

Array = NDArray[np.float64]

# Integrands are analytic on the cap; 20 Gauss points reach rounding error (tested).
_NODES, _WEIGHTS = (0.5 * (part + shift) for part, shift in zip(
    np.polynomial.legendre.leggauss(20), (1.0, 0.0), strict=True))  # fmt: skip


@dataclass(frozen=True)
class Head:
    """Ellipsoid of the head and the cap of it that bears hair.

    Parameters
    ----------
    semi_axes : (x, y, z) [mm]
        Half of breadth, length and height.
    tilt : float [rad]
        Backward tilt of the cap's axis on the unit sphere.
    edge_angle : float [rad]
        Angle between the cap's axis and the hairline on the unit sphere, apart from the notches.
    notches : ((azimuth, width, depth), ...) [rad]
        Where the hairline is drawn in on either side, by Gaussians of the azimuth.
    area_mm2 : float [mm2]
        Area of the cap.
    """

    semi_axes: tuple[float, float, float]
    tilt: float
    edge_angle: float
    notches: tuple[tuple[float, float, float], ...]
    area_mm2: float

    @property
    def frame(self) -> Array:
        """Rows: to the front, to the patient's right, along the cap's axis (unit sphere)."""
        sine, cosine = np.sin(self.tilt), np.cos(self.tilt)
        return np.array([[0.0, cosine, sine], [1.0, 0.0, 0.0], [0.0, -sine, cosine]])


@lru_cache(maxsize=64)
def make_head(circumference_mm: float) -> Head:
    """Head of a given circumference: the mean adult's, scaled.

    Parameters
    ----------
    circumference_mm : float [mm]

    Returns
    -------
    Head
        Its area scales with the square of the circumference.

    Examples
    --------
    >>> round(make_head(562.0).area_mm2)
    77500
    """
    reference = _mean_head()
    ratio = circumference_mm / load_parameters().value("scalp.head_circumference", "mm")
    x, y, z = (ratio * axis for axis in reference.semi_axes)
    return replace(reference, semi_axes=(x, y, z), area_mm2=ratio**2 * reference.area_mm2)


@lru_cache(maxsize=1)
def _mean_head() -> Head:
    """Mean adult: dimensions scaled to the circumference, hairline placed to enclose the area."""
    from scipy.optimize import brentq
    from scipy.special import ellipe

    parameters = load_parameters()
    names = ("breadth", "length", "height")
    half = np.array([parameters.value(f"scalp.head_{name}", "mm") / 2 for name in names])
    perimeter = 4.0 * half[1] * ellipe(1.0 - (half[0] / half[1]) ** 2)
    half *= parameters.value("scalp.head_circumference", "mm") / perimeter
    area = parameters.value("scalp.area", "mm^2")
    notches = []
    for place in ("temple", "ear"):
        azimuth, width, depth = (
            parameters.value(f"scalp.hairline_{place}_{name}", "rad")
            for name in ("azimuth", "width", "depth")
        )
        notches.append((azimuth, width, depth))
    open_head = Head(
        semi_axes=(float(half[0]), float(half[1]), float(half[2])),
        tilt=parameters.value("scalp.hairline_tilt", "rad"),
        edge_angle=0.0,
        notches=tuple(notches),
        area_mm2=area,
    )

    def excess(angle: float) -> float:
        return _cap_area(replace(open_head, edge_angle=angle)) - area

    return replace(open_head, edge_angle=float(brentq(excess, 1.0, 2.5, xtol=1e-13)))


def _cap_area(head: Head) -> float:
    """Area [mm2] inside the hairline."""
    azimuth = np.linspace(0.0, 2.0 * np.pi, 1024, endpoint=False)
    return float(2.0 * np.pi * np.mean(_sector(head, hairline(head, azimuth)[0], azimuth)))


def hairline(head: Head, azimuth: Array) -> tuple[Array, Array]:
    """Angle [rad] of the hairline from the cap's axis at azimuths [rad], and its derivative."""
    angle = np.full_like(azimuth, head.edge_angle)
    slope = np.zeros_like(azimuth)
    for centre, width, depth in head.notches:
        for side in (centre, -centre):
            away = np.remainder(azimuth - side + np.pi, 2.0 * np.pi) - np.pi
            notch = depth * np.exp(-((away / width) ** 2))
            angle -= notch
            slope += 2.0 * away / width**2 * notch
    return angle, slope


def sphere_to_surface(head: Head, angle: Array, azimuth: Array) -> Array:
    """Position (..., 3) [mm] of an angle and azimuth [rad] around the cap's axis."""
    local = np.stack(
        [np.sin(angle) * np.cos(azimuth), np.sin(angle) * np.sin(azimuth), np.cos(angle)], axis=-1
    )
    position: Array = (local @ head.frame) * np.array(head.semi_axes)
    return position


def surface_to_sphere(head: Head, position: Array) -> tuple[Array, Array]:
    """Angle and azimuth [rad] around the cap's axis of positions (..., 3) [mm]."""
    local = (np.asarray(position, float) / np.array(head.semi_axes)) @ head.frame.T
    angle = np.arctan2(np.hypot(local[..., 0], local[..., 1]), local[..., 2])
    return angle, np.arctan2(local[..., 1], local[..., 0])


def surface_normal(head: Head, position: Array) -> Array:
    """Outward unit normal (..., 3) of the ellipsoid at positions (..., 3) [mm]."""
    gradient = np.asarray(position, float) / np.square(head.semi_axes)
    unit: Array = gradient / np.linalg.norm(gradient, axis=-1, keepdims=True)
    return unit


def onto_surface(head: Head, position: Array) -> Array:
    """Pull positions (..., 3) [mm] near the surface onto it, along the ray from the centre."""
    scale = np.linalg.norm(np.asarray(position, float) / head.semi_axes, axis=-1, keepdims=True)
    pulled: Array = position / scale
    return pulled


def beyond_hairline(head: Head, position: Array) -> Array:
    """Distance [mm] along the surface, to first order, from the hairline; negative on the scalp.

    Parameters
    ----------
    head : Head
    position : (..., 3) [mm]
        Points on the ellipsoid.

    Returns
    -------
    (...,) [mm]
    """
    angle, azimuth = surface_to_sphere(head, position)
    edge, slope = hairline(head, azimuth)
    ahead, aside = np.moveaxis(_sphere_tangents(head, edge, azimuth), -2, 0)
    metric = (np.sum(ahead**2, -1), np.sum(ahead * aside, -1), np.sum(aside**2, -1))
    square = (metric[2] + 2.0 * slope * metric[1] + slope**2 * metric[0]) / (
        metric[0] * metric[2] - metric[1] ** 2
    )
    distance: Array = (angle - edge) / np.sqrt(square)
    return distance


def surface_to_chart(head: Head, position: Array) -> Array:
    """Chart coordinates of points on the head.

    ``(x, y) = r (sin phi, -cos phi)`` with ``r^2 = 2 int_0^theta dA/(dtheta dphi) dtheta``: each
    sector keeps its area, hence so does every figure.

    Parameters
    ----------
    head : Head
    position : (..., 3) [mm]

    Returns
    -------
    (..., 2) [mm]
        x toward the patient's right, y toward the back; the origin is the cap's axis.
    """
    angle, azimuth = surface_to_sphere(head, position)
    radius = np.sqrt(2.0 * _sector(head, angle, azimuth))
    return np.stack([radius * np.sin(azimuth), -radius * np.cos(azimuth)], axis=-1)


def chart_to_sphere(head: Head, chart: Array) -> tuple[Array, Array]:
    """Angle and azimuth [rad] of chart coordinates (..., 2) [mm], by Newton's method.

    Points outside the image of the chart come back with an angle of at most 3 rad.
    """
    azimuth = np.arctan2(chart[..., 0], -chart[..., 1])
    wanted = 0.5 * np.sum(np.square(chart), axis=-1)
    mean_square = (np.prod(head.semi_axes)) ** (2.0 / 3.0)
    angle = np.arccos(np.clip(1.0 - wanted / mean_square, -0.9, 1.0))
    for _ in range(6):
        rate = np.sin(angle) * _stretch(head, angle, azimuth)
        step = (wanted - _sector(head, angle, azimuth)) / rate
        angle = np.clip(angle + step, 0.5 * angle, 0.5 * (angle + 3.0))
        if np.max(np.abs(step), initial=0.0) < 1e-11:
            break
    return angle, azimuth


def chart_tangents(head: Head, angle: Array, azimuth: Array) -> Array:
    """Differentiate position by the two chart coordinates.

    Parameters
    ----------
    head : Head
    angle, azimuth : (point,) [rad]

    Returns
    -------
    (point, 2, 3)
        d position / dx and d position / dy; their cross product has length 1.
    """
    by_sphere = _sphere_tangents(head, angle, azimuth)
    east, north = np.cos(azimuth), np.sin(azimuth)
    radius = np.sqrt(2.0 * _sector(head, angle, azimuth))
    radius_angle = np.sin(angle) * _stretch(head, angle, azimuth) / radius
    radius_azimuth = _sector_slope(head, angle, azimuth) / radius
    jacobian = np.stack([
        np.stack([radius_angle * north, radius_azimuth * north + radius * east], axis=-1),
        np.stack([-radius_angle * east, radius * north - radius_azimuth * east], axis=-1),
    ], axis=-2)  # fmt: skip
    tangents: Array = np.swapaxes(np.linalg.inv(jacobian), -1, -2) @ by_sphere
    return tangents


def _sphere_tangents(head: Head, angle: Array, azimuth: Array) -> Array:
    """Differentiate position by angle and azimuth: (..., 2, 3) [mm/rad]."""
    sine, cosine = np.sin(angle), np.cos(angle)
    east, north = np.cos(azimuth), np.sin(azimuth)
    sphere = np.stack([
        np.stack([cosine * east, cosine * north, -sine], axis=-1),
        np.stack([-sine * north, sine * east, np.zeros_like(sine)], axis=-1),
    ], axis=-2)  # fmt: skip
    tangents: Array = (sphere @ head.frame) * np.array(head.semi_axes)
    return tangents


def _stretch(head: Head, angle: Array, azimuth: Array) -> Array:
    """Area of the ellipsoid per area of the unit sphere [mm2]."""
    frame = head.frame / np.array(head.semi_axes)
    form = float(np.prod(head.semi_axes)) ** 2 * (frame @ frame.T)
    sine, cosine = np.sin(angle), np.cos(angle)
    across, ahead = sine * np.sin(azimuth), sine * np.cos(azimuth)
    square = (
        form[0, 0] * ahead**2 + form[1, 1] * across**2 + form[2, 2] * cosine**2
        + 2.0 * (form[0, 1] * ahead * across + form[0, 2] * ahead * cosine
                 + form[1, 2] * across * cosine)
    )  # fmt: skip
    stretch: Array = np.sqrt(square)
    return stretch


def _sector(head: Head, angle: Array, azimuth: Array) -> Array:
    """Area per azimuth [mm2/rad] between the cap's axis and an angle."""
    total = np.zeros_like(angle)
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        part = node * angle
        total += weight * np.sin(part) * _stretch(head, part, azimuth)
    return angle * total


def _sector_slope(head: Head, angle: Array, azimuth: Array) -> Array:
    """Slope of the sector's area by azimuth [mm2/rad2]."""
    step = 1e-4
    ahead = _sector(head, angle, azimuth + step)
    return (ahead - _sector(head, angle, azimuth - step)) / (2.0 * step)
