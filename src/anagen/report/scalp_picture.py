"""The scalp with hair at several weeks, treated and untreated, as strips of pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from anagen.report.head import VIEWS, View, bare_head, bare_skin, close_camera, head_camera
from anagen.report.raster import Camera, Ground, Sheet, State, Tones, paint, prepare, reduce
from anagen.report.strands import CUT_MM, Array, Ellipsoid, Follicles, follicles

if TYPE_CHECKING:
    import xarray as xr
    from PIL.Image import Image

    from anagen.scalp import Scalp

WEEKS = (0, 4, 8, 12, 24)
"""Weeks at which the scalp is drawn."""

HEAD_PIXELS, CLOSE_PIXELS = 340, 300
MAX_VIEWS, MAX_CLOSE_UPS = 2, 4

_HEAD_SHARE = 0.6
_CLOSE_MARGIN_MM, _CLOSE_LEAST_MM, _CLOSE_MOST_MM = 14.0, 46.0, 110.0
_GAIN_OF_ANOTHER_VIEW = 0.12
_COLOURS = 160
_DAYS_PER_WEEK = 7.0
_BAR_MM = 10.0

_HAIR, _SHINE = (0.29, 0.205, 0.15), (0.66, 0.52, 0.40)
_BLACK, _BLACK_SHINE = (0.13, 0.105, 0.095), (0.42, 0.37, 0.34)
_FIRST_BLACK = 5
_SKIN = {
    1: (0.93, 0.78, 0.70), 2: (0.90, 0.74, 0.64), 3: (0.86, 0.69, 0.57), 4: (0.76, 0.58, 0.45),
    5: (0.60, 0.43, 0.32), 6: (0.43, 0.30, 0.23),
}  # fmt: skip
_MIDDLE_SKIN = 3
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6}


@dataclass(frozen=True)
class Frame:
    """One picture of a strip.

    Parameters
    ----------
    week : weeks from the start.
    treated : whether the plan is carried out.
    pixels : (row, column, 3) of 8 bits.
    bar : length of the scale bar, as a share of the width; 0 for none.
    """

    week: int
    treated: bool
    pixels: NDArray[np.uint8]
    bar: float = 0.0

    @property
    def png(self) -> bytes:
        """The picture as a PNG of few colours."""
        return encode(self.pixels, self.bar)


@dataclass(frozen=True)
class Strip:
    """One place of the scalp over the weeks, treated and untreated.

    Parameters
    ----------
    key : name for files, such as ``top`` or ``close-up-1``.
    title : in words.
    close : whether it is a close-up.
    span_mm : width and height of what is seen [mm].
    frames : treated and untreated in turn, week by week.
    """

    key: str
    title: str
    close: bool
    span_mm: float
    frames: tuple[Frame, ...]


def encode(pixels: NDArray[np.uint8], bar: float = 0.0) -> bytes:
    """Encode a picture as a PNG with a small palette; same input, same bytes.

    Parameters
    ----------
    pixels : (row, column, 3) of 8 bits.
    bar : length of the scale bar in the corner, as a share of the width.
    """
    from PIL import Image

    image = Image.fromarray(pixels).quantize(
        _COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
    )
    if bar > 0.0:
        _draw_bar(image, bar)
    buffer = BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def tones_of(skin_type: object) -> Tones:
    """Colours for a Fitzpatrick skin type (1 to 6, Roman or Arabic); a middle one when unknown."""
    text = str(skin_type or "").strip().lower().removeprefix("type").strip()
    number = _ROMAN.get(text) or (int(text) if text.isdigit() else _MIDDLE_SKIN)
    if number not in _SKIN:
        number = _MIDDLE_SKIN
    hair, shine = (_BLACK, _BLACK_SHINE) if number >= _FIRST_BLACK else (_HAIR, _SHINE)
    return Tones(_SKIN[number], hair, shine)


def weeks_shown(course: "xr.Dataset", weeks: Sequence[int] = WEEKS) -> dict[int, int]:
    """Index into the course's times by week, for those weeks that the course reaches."""
    days = np.asarray(course["time"].values, dtype=float)
    shown = {}
    for week in weeks:
        index = int(np.abs(days - _DAYS_PER_WEEK * week).argmin())
        if abs(days[index] - _DAYS_PER_WEEK * week) <= _DAYS_PER_WEEK / 2:
            shown[week] = index
    return shown


def views_worth_showing(scalp: "Scalp", bald: Array, most: int = MAX_VIEWS) -> list[View]:
    """Choose the views that show the bald cells best, the best first.

    Parameters
    ----------
    scalp : the surface.
    bald : (cell,) how bald each cell is, 0..1.
    most : how many views at most.
    """
    ellipsoid = Ellipsoid(np.asarray(scalp.head.semi_axes))
    facing = {
        view: np.maximum(scalp.normal @ head_camera(view, ellipsoid, 1, 1.0).toward, 0.0)
        for view in VIEWS
    }
    seen = np.zeros(len(bald))
    chosen: list[View] = []
    total = float(bald.sum())
    while len(chosen) < most:
        gains = {
            view: float(bald @ np.maximum(facing[view] - seen, 0.0))
            for view in VIEWS
            if view not in chosen
        }
        best = max(gains, key=lambda view: gains[view])
        if chosen and gains[best] <= _GAIN_OF_ANOTHER_VIEW * total:
            break
        chosen.append(best)
        seen = np.maximum(seen, facing[best])
    return chosen


def strips(
    scalp: "Scalp",
    course: "xr.Dataset",
    untreated: "xr.Dataset",
    patches: Mapping[str, Array],
    skin_type: object = None,
) -> list[Strip]:
    """Draw the same person over the weeks: whole head in the best views, then each patch close.

    Parameters
    ----------
    scalp : the surface on which both courses were simulated.
    course, untreated : with and without the plan.
    patches : (cell,) share of each cell inside the patch, by patch.
    skin_type : Fitzpatrick type, for the tone of the skin.
    """
    ellipsoid = Ellipsoid(np.asarray(scalp.head.semi_axes, dtype=float))
    arms = {True: _Looks.of(course, scalp), False: _Looks.of(untreated, scalp)}
    pool = max(float(looks.density.max()) for looks in arms.values())
    grown = follicles(scalp, max(pool, 1.0))
    tones = tones_of(skin_type)
    skin = np.array(tones.skin)
    result = []
    for view in views_worth_showing(scalp, _worth(arms, patches)):
        camera = head_camera(view, ellipsoid, HEAD_PIXELS, _HEAD_SHARE)
        ground = bare_head(view, camera, ellipsoid, skin)
        frames = _frames(camera, ground, grown, ellipsoid, arms=arms, tones=tones)
        title = {"top": "From above", "back": "From behind"}.get(view, f"From the {view}")
        result.append(Strip(view, title, False, camera.width_mm, frames))
    for number, (name, centre, span) in enumerate(_close_ups(scalp, patches), start=1):
        camera = close_camera(ellipsoid, centre, span, CLOSE_PIXELS)
        ground = bare_skin(camera, ellipsoid, skin)
        frames = _frames(camera, ground, grown, ellipsoid, arms=arms, tones=tones)
        frames = tuple(replace(frame, bar=_BAR_MM / span) for frame in frames)
        result.append(Strip(f"close-up-{number}", f"Patch {name}, close up", True, span, frames))
    return result


@dataclass(frozen=True)
class _Looks:
    """What a course shows in each cell at the weeks drawn: (week, cell)."""

    weeks: tuple[int, ...]
    density: Array
    terminal: Array
    calibre: Array
    length: Array

    @staticmethod
    def of(course: "xr.Dataset", scalp: "Scalp", weeks: Sequence[int] = WEEKS) -> "_Looks":
        shown = weeks_shown(course, weeks)
        index = list(shown.values())

        def field(name: str, otherwise: Array | float) -> Array:
            if name not in course:
                return np.broadcast_to(otherwise, (len(index), len(scalp.position)))
            return np.asarray(np.nan_to_num(course[name].values[index].astype(float)))

        cover = field("cover", 1.0)
        return _Looks(
            weeks=tuple(shown),
            density=field("hair_density", cover * np.asarray(scalp.density_per_cm2)),
            terminal=field("terminal_share", 1.0),
            calibre=field("calibre", 65.0),
            length=field("shaft_length", CUT_MM),
        )


def _worth(arms: Mapping[bool, _Looks], patches: Mapping[str, Array]) -> Array:
    """How much each cell (cell,) deserves to be seen: patches, else what is thin at any week."""
    if patches:
        return np.asarray(np.max(np.stack(list(patches.values())), axis=0))
    density = np.concatenate([looks.density for looks in arms.values()])
    thin: Array = 1.0 - density.min(axis=0) / max(float(density.max()), 1e-9)
    return thin


def _frames(
    camera: Camera,
    ground: Ground,
    grown: Follicles,
    ellipsoid: Ellipsoid,
    *,
    arms: Mapping[bool, _Looks],
    tones: Tones,
) -> tuple[Frame, ...]:
    sheet = prepare(camera, grown, ellipsoid)
    frames = []
    for step, week in enumerate(arms[True].weeks):
        for treated, looks in arms.items():
            if step < len(looks.weeks):
                state = _state(sheet, grown, looks, step)
                frames.append(Frame(week, treated, paint(sheet, state, ground, tones)))
    return tuple(frames)


def _state(sheet: Sheet, grown: Follicles, looks: _Looks, step: int) -> State:
    hair = sheet.strands.index
    cell = grown.cell[hair]
    own_length = looks.length[step][cell] * (0.75 + 0.5 * grown.trait[hair])
    return State(
        there=grown.rank[hair] * grown.pool_per_cm2 < looks.density[step][cell],
        terminal=grown.kind[hair] < looks.terminal[step][cell],
        length_mm=np.minimum(own_length, grown.cut_mm[hair]),
        calibre_um=looks.calibre[step][cell],
    )


def _close_ups(scalp: "Scalp", patches: Mapping[str, Array]) -> list[tuple[str, Array, float]]:
    """Name, centre and span of each patch worth a close-up, in the order given, largest kept."""
    area = {name: float(share.sum()) for name, share in patches.items() if share.sum() > 0}
    kept = sorted(area, key=lambda name: -area[name])[:MAX_CLOSE_UPS]
    return [(name, *_span(scalp, patches[name])) for name in patches if name in kept]


def _span(scalp: "Scalp", share: Array) -> tuple[Array, float]:
    inside = np.asarray(scalp.position)[share > 0.5 * share.max()]
    middle = inside.mean(axis=0)
    middle = middle / np.sqrt(np.sum((middle / np.asarray(scalp.head.semi_axes)) ** 2))
    reach = 2.0 * float(np.quantile(np.linalg.norm(inside - middle, axis=1), 0.98))
    return middle, float(np.clip(reach + 2 * _CLOSE_MARGIN_MM, _CLOSE_LEAST_MM, _CLOSE_MOST_MM))


def _draw_bar(image: "Image", share: float) -> None:
    """Lay a scale bar into the bottom-right corner, in two colours beyond the palette's own."""
    from PIL import ImageDraw

    palette = image.getpalette() or []
    dark = len(palette) // 3
    image.putpalette([*palette, 20, 20, 20, 255, 255, 255])
    size = image.width
    length, thick = round(share * size), max(3, size // 75)
    right, foot = size - size // 22, image.height - size // 22
    draw = ImageDraw.Draw(image)
    draw.rectangle((right - length - 2, foot - thick - 2, right + 2, foot + 2), fill=dark)
    draw.rectangle((right - length, foot - thick, right, foot), fill=dark + 1)


def contact_sheet(strip: Strip) -> bytes:
    """One PNG with every picture of a strip: weeks across, treated above untreated."""
    from PIL import Image, ImageDraw, ImageFont

    size = len(strip.frames[0].pixels)
    weeks = sorted({frame.week for frame in strip.frames})
    gap, head, side = 8, 34, 8
    width = side + len(weeks) * (size + gap)
    sheet = Image.new("RGB", (width, 2 * (size + head + gap)), (255, 255, 255))
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(18)
    for frame in strip.frames:
        left = side + weeks.index(frame.week) * (size + gap)
        top = (0 if frame.treated else 1) * (size + head + gap)
        label = f"Week {frame.week}, {'treated' if frame.treated else 'untreated'}"
        draw.text((left, top + 8), label, fill=(30, 36, 44), font=font)
        sheet.paste(Image.open(BytesIO(frame.png)), (left, top + head))
    buffer = BytesIO()
    sheet.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def bare_picture(view: View, scalp: "Scalp", skin_type: object = None) -> NDArray[np.uint8]:
    """Mannequin without hair (row, column, 3), for a legend or a test."""
    ellipsoid = Ellipsoid(np.asarray(scalp.head.semi_axes, dtype=float))
    camera = head_camera(view, ellipsoid, HEAD_PIXELS, 1.0)
    skin = np.array(tones_of(skin_type).skin)
    return reduce(bare_head(view, camera, ellipsoid, skin).picture)
