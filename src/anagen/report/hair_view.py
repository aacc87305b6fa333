"""The scalp hair by hair over the weeks, packed small enough for a browser to play.

Every hair drawn stands for several: the follicles are thinned evenly, and what is left keeps its
rank, so that the share that is there is the simulated density. Between simulated weeks the browser
goes in a straight line.
"""

import base64
import gzip
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anagen.errors import InputError, Problem
from anagen.report.raster import Tones
from anagen.report.scalp_picture import _Looks, tones_of
from anagen.report.strands import CUT_MM, STEPS, Array, Ellipsoid, Follicles, follicles, lay

if TYPE_CHECKING:
    import xarray as xr

    from anagen.scalp import Scalp

Bytes = NDArray[np.uint8]

WEEKS = (0, 4, 8, 12, 16, 20, 24)
"""Weeks between which the view goes in a straight line."""

MOST_HAIRS = 20_000
"""As many strands of each arm as a laptop draws 30 times a second."""

ARMS = ("treated", "untreated")

LABELS = {
    "likely": "Likely course: of the possible people who fit what was seen, half do better and "
    "half do worse.",
    "lucky": "Lucky course: of the possible people who fit what was seen, 1 in 10 does better.",
    "unlucky": "Unlucky course: of the possible people who fit what was seen, 1 in 10 does worse.",
}
"""What a course is, in words that promise nothing."""

MAGIC = b"ANHAIR1\n"
_SEED = 20263
_MIDDLE, _TIP = (STEPS - 1) // 2, STEPS - 1
# Offsets along a hair reach the length it is cut to, and a little more where locks are drawn in.
_REACH_MM = 1.6 * CUT_MM
_LARGEST_CALIBRE_UM = 127.5
_ALIGNED = 4


@dataclass(frozen=True)
class HairView:
    """Hairs of one head, and what they are in every course, arm and week.

    Parameters
    ----------
    root : (hair, 3) where each hair leaves the skin [mm].
    middle, tip : (hair, 3) from the root to half way along the hair, and to its end, uncut [mm].
    rank, trait : (hair,) in 0..1; rank says how dense it must be for the hair to be there.
    cell : (hair,) cell of the scalp that the hair shows.
    margin : (course, arm, week, hair) 128 plus 127 times density less rank; the hair is there
        while it is above 128.
    shape : (course, arm, week, hair) length in the low seven bits, of `CUT_MM`; the highest bit is
        set while the hair is terminal.
    calibre : (course, arm, week, hair) in steps of half a micrometre.
    courses, weeks : names and weeks along the first and third axes; arms are `ARMS`.
    hairs_each : follicles for which one of these stands.
    pool_per_cm2 : density when every hair is there [1/cm2].
    tones : colours of the person.
    head : what a mannequin is made from.
    """

    root: Array
    middle: Array
    tip: Array
    rank: Array
    trait: Array
    cell: NDArray[np.int64]
    margin: Bytes
    shape: Bytes
    calibre: Bytes
    courses: tuple[str, ...]
    weeks: tuple[int, ...]
    hairs_each: float
    pool_per_cm2: float
    tones: Tones
    head: Mapping[str, Any]

    @property
    def there(self) -> NDArray[np.bool_]:
        """Whether each hair is there (course, arm, week, hair)."""
        return self.margin > 128

    @property
    def terminal(self) -> NDArray[np.bool_]:
        """Whether each hair is terminal, if it is there (course, arm, week, hair)."""
        return self.shape >= 128

    @property
    def length_mm(self) -> Array:
        """Length shown, cut (course, arm, week, hair) [mm]."""
        return np.asarray((self.shape & 127) / 127.0 * CUT_MM)

    @property
    def calibre_um(self) -> Array:
        """Thickness (course, arm, week, hair) [um]."""
        return np.asarray(self.calibre * (_LARGEST_CALIBRE_UM / 255.0))


def hair_view(
    scalp: "Scalp",
    courses: "Mapping[str, tuple[xr.Dataset, xr.Dataset]]",
    weeks: Sequence[int] = WEEKS,
    skin_type: object = None,
    most: int = MOST_HAIRS,
) -> HairView:
    """Choose the hairs that stand for all, and read what they are in every week.

    Parameters
    ----------
    scalp : the surface on which all courses were simulated.
    courses : treated and untreated course of the same person, by name.
    weeks : weeks to keep; those that a course does not reach are left out of all.
    skin_type : Fitzpatrick type, for the colours.
    most : hairs at most.

    Raises
    ------
    InputError
        When there is no course, or one is of another scalp, or none reaches two of the weeks.
    """
    _check(scalp, courses, most)
    looks = {
        name: tuple(_Looks.of(course, scalp, weeks) for course in pair)
        for name, pair in courses.items()
    }
    every = [look for pair in looks.values() for look in pair]
    kept = tuple(week for week in weeks if all(week in look.weeks for look in every))
    if len(kept) < 2:
        raise InputError(
            Problem("weeks", "at least two weeks that every course reaches", f"{len(kept)}",
                    "Simulate longer, or ask for earlier weeks.")
        )  # fmt: skip
    grown = follicles(scalp, max(1.0, *(float(look.density.max()) for look in every)))
    chosen = _thinned(len(grown.root), most)
    ellipsoid = Ellipsoid(np.asarray(scalp.head.semi_axes, dtype=float))
    points = lay(grown, chosen, ellipsoid).points
    few = _only(grown, chosen)
    states = [[_states(few, look, kept) for look in pair] for pair in looks.values()]
    margin, shape, calibre = (
        np.array([[arm[part] for arm in pair] for pair in states]) for part in range(3)
    )
    return HairView(
        root=points[0],
        middle=points[_MIDDLE] - points[0],
        tip=points[_TIP] - points[0],
        rank=few.rank,
        trait=few.trait,
        cell=few.cell,
        margin=margin,
        shape=shape,
        calibre=calibre,
        courses=tuple(looks),
        weeks=kept,
        hairs_each=len(grown.root) / len(chosen),
        pool_per_cm2=grown.pool_per_cm2,
        tones=tones_of(skin_type),
        head=_head(scalp),
    )


def _check(
    scalp: "Scalp", courses: "Mapping[str, tuple[xr.Dataset, xr.Dataset]]", most: int
) -> None:
    problems = []
    if most < 1:
        problems.append(Problem("most", "at least 1 hair", str(most), "Ask for more hairs."))
    if not courses:
        problems.append(Problem("courses", "at least one course", "none", "Simulate one."))
    for name, pair in courses.items():
        for arm, course in zip(ARMS, pair, strict=True):
            cells = course.sizes.get("cell", 0)
            if cells != len(scalp.position):
                problems.append(
                    Problem(f"courses, {name}, {arm}", f"{len(scalp.position)} cells, as the scalp "
                            "has", f"{cells} cells", "Simulate all courses on one scalp.")
                )  # fmt: skip
    if problems:
        raise InputError(problems)


def _thinned(total: int, most: int) -> NDArray[np.int64]:
    """Choose follicles evenly over the scalp, in an order of which any beginning is even too."""
    if total <= most:
        chosen = np.arange(total)
    else:
        random = np.random.default_rng(_SEED)
        chosen = np.floor((np.arange(most) + random.random(most)) * total / most).astype(np.int64)
    return np.random.default_rng(_SEED + 1).permutation(chosen)


def _only(grown: Follicles, chosen: NDArray[np.int64]) -> Follicles:
    names = ("root", "cell", "rank", "kind", "trait", "cut_mm")
    return replace(grown, **{name: getattr(grown, name)[chosen] for name in names})


def _states(grown: Follicles, looks: _Looks, weeks: tuple[int, ...]) -> tuple[Bytes, Bytes, Bytes]:
    """Margin, shape and calibre (week, hair) of one arm, as `HairView` packs them."""
    at = [looks.weeks.index(week) for week in weeks]
    cell = grown.cell
    density = looks.density[at][:, cell]
    there = grown.rank * grown.pool_per_cm2 < density
    margin = np.rint(127.0 * (density / grown.pool_per_cm2 - grown.rank)).astype(int)
    margin = np.where(there, np.maximum(margin, 1), np.minimum(margin, 0))
    own = looks.length[at][:, cell] * (0.75 + 0.5 * grown.trait)
    length = np.rint(np.minimum(own, grown.cut_mm) / CUT_MM * 127.0).astype(int)
    terminal = grown.kind < looks.terminal[at][:, cell]
    calibre = np.rint(looks.calibre[at][:, cell] / _LARGEST_CALIBRE_UM * 255.0)
    return (
        (np.clip(margin, -127, 127) + 128).astype(np.uint8),
        (np.clip(length, 0, 127) + 128 * terminal).astype(np.uint8),
        np.clip(calibre, 0, 255).astype(np.uint8),
    )


def _head(scalp: "Scalp") -> dict[str, Any]:
    head = scalp.head
    return {
        "semi_axes_mm": list(head.semi_axes),
        "tilt": head.tilt,
        "edge_angle": head.edge_angle,
        "notches": [list(notch) for notch in head.notches],
    }


def encode(view: HairView) -> bytes:
    """Pack a view: the same view gives the same bytes.

    Little-endian throughout: eight bytes ``ANHAIR1`` and a line feed; the header's length in bytes
    (uint32); the header, JSON in UTF-8 padded with spaces to a multiple of four; then the arrays
    one after another, each padded with zeros to a multiple of four, with type, shape, offset from
    the end of the header, and scale (value = number * scale) as the header's ``arrays`` says.

    Parameters
    ----------
    view : what `hair_view` gave.
    """
    box = float(np.abs(view.root).max()) or 1.0
    arrays: dict[str, tuple[NDArray[Any], float]] = {
        "root": (np.rint(view.root / box * 32767.0).astype("<i2"), box / 32767.0),
        "middle": (_offsets(view.middle), _REACH_MM / 127.0),
        "tip": (_offsets(view.tip), _REACH_MM / 127.0),
        "rank": (np.rint(view.rank * 255.0).astype("u1"), 1.0 / 255.0),
        "trait": (np.rint(view.trait * 255.0).astype("u1"), 1.0 / 255.0),
        "margin": (view.margin, 1.0),
        "shape": (view.shape, CUT_MM / 127.0),
        "calibre": (view.calibre, _LARGEST_CALIBRE_UM / 255.0),
    }
    described, parts, offset = {}, [], 0
    for name, (values, scale) in arrays.items():
        data = values.tobytes()
        described[name] = {"type": values.dtype.str.lstrip("|<"), "shape": list(values.shape),
                           "offset": offset, "scale": scale}  # fmt: skip
        parts.append(data + b"\0" * (-len(data) % _ALIGNED))
        offset += len(parts[-1])
    header = {
        "courses": list(view.courses),
        "arms": list(ARMS),
        "weeks": list(view.weeks),
        "hairs": len(view.root),
        "hairs_each": view.hairs_each,
        "pool_per_cm2": view.pool_per_cm2,
        "cut_mm": CUT_MM,
        "tones": {"skin": view.tones.skin, "hair": view.tones.hair, "shine": view.tones.shine},
        "head": dict(view.head),
        "arrays": described,
    }
    text = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-(len(MAGIC) + 4 + len(text)) % _ALIGNED)
    return b"".join((MAGIC, struct.pack("<I", len(text)), text, *parts))


def packed(view: HairView) -> str:
    """Give what `encode` gives, gzip'd and as base64, to be sent inside JSON."""
    return base64.b64encode(gzip.compress(encode(view), mtime=0)).decode()


def _offsets(offset_mm: Array) -> NDArray[Any]:
    return np.rint(np.clip(offset_mm / _REACH_MM, -1.0, 1.0) * 127.0).astype("i1")


def decode(data: bytes) -> HairView:
    """Unpack what `encode` packed; cells are not kept.

    Parameters
    ----------
    data : the bytes.

    Raises
    ------
    InputError
        When they are something else, or cut short.
    """
    try:
        if data[: len(MAGIC)] != MAGIC:
            raise ValueError("another beginning")
        (size,) = struct.unpack_from("<I", data, len(MAGIC))
        begin = len(MAGIC) + 4 + size
        header = json.loads(data[len(MAGIC) + 4 : begin])
        arrays = {
            name: (
                np.frombuffer(
                    data, "<" + one["type"], int(np.prod(one["shape"])), begin + one["offset"]
                ).reshape(one["shape"]),
                one["scale"],
            )
            for name, one in header["arrays"].items()
        }
        scaled = {name: arrays[name][0] * arrays[name][1]
                  for name in ("root", "middle", "tip", "rank", "trait")}  # fmt: skip
        return HairView(
            **scaled,
            cell=np.zeros(0, dtype=np.int64),
            margin=arrays["margin"][0],
            shape=arrays["shape"][0],
            calibre=arrays["calibre"][0],
            courses=tuple(header["courses"]),
            weeks=tuple(header["weeks"]),
            hairs_each=header["hairs_each"],
            pool_per_cm2=header["pool_per_cm2"],
            tones=Tones(**{name: tuple(tone) for name, tone in header["tones"].items()}),
            head=header["head"],
        )
    except (ValueError, KeyError, TypeError, struct.error) as error:
        raise InputError(
            Problem("hair view", "a hair view as `encode` makes it", str(error),
                    "Make the view again.")
        ) from None  # fmt: skip
