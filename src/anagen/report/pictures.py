"""All pictures of one patient: drawn once for the report, or saved as files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from anagen.errors import InputError, Problem
from anagen.report.content import blocked_patches, start_of
from anagen.report.curves import chart_groups
from anagen.report.plan_picture import Drawing, plan_drawings
from anagen.report.scalp_picture import Strip, contact_sheet, strips
from anagen.report.strands import Array
from anagen.report.style import png, svg

if TYPE_CHECKING:
    import xarray as xr

    from anagen.patient import Patient
    from anagen.scalp import Scalp
    from anagen.treatment import Plan


@dataclass(frozen=True)
class Pictures:
    """Drawings of the plan and pictures of the scalp.

    Parameters
    ----------
    views : the four views with patches and sites.
    insets : each patch enlarged, with numbered sites.
    strips : the scalp with hair over the weeks.
    blocked : why a patch must not be injected, by patch.
    """

    views: tuple[Drawing, ...]
    insets: tuple[Drawing, ...]
    strips: tuple[Strip, ...]
    blocked: Mapping[str, str]


def draw(
    patient: "Patient",
    plan: "Plan",
    course: "xr.Dataset",
    untreated: "xr.Dataset",
    *,
    scalp: "Scalp | None" = None,
) -> Pictures:
    """Draw the plan and the scalp; parameters as in `anagen.report.write_report`."""
    surface = _surface(patient, course, scalp)
    _check(course, untreated, surface)
    on = start_of(course, plan)
    patches = _patches(patient, surface, course, plan)
    blocked = blocked_patches(patient, on)
    drawings = plan_drawings(surface, plan, patches, blocked)
    return Pictures(
        views=tuple(d for d in drawings if d.key.startswith("plan-")),
        insets=tuple(d for d in drawings if d.key.startswith("inset-")),
        strips=tuple(
            strips(surface, course, untreated, patches, getattr(patient, "skin_type", None))
        ),
        blocked=blocked,
    )


def save_pictures(
    patient: "Patient",
    plan: "Plan",
    course: "xr.Dataset",
    untreated: "xr.Dataset",
    directory: str | Path,
    *,
    scalp: "Scalp | None" = None,
) -> list[Path]:
    """Save the pictures of one patient: plan and curves as SVG and PNG, the scalp as PNG.

    Parameters
    ----------
    patient, plan, course, untreated, scalp : as in `anagen.report.write_report`.
    directory : where to; made when missing, files of the same names are replaced.

    Returns
    -------
    list of pathlib.Path
        The files, in the order of the report.

    Raises
    ------
    InputError
        When a file cannot be written or the course does not belong to the scalp.
    """
    pictures = draw(patient, plan, course, untreated, scalp=scalp)
    drawings = [*pictures.views, *pictures.insets]
    for group in chart_groups(course, untreated).values():
        drawings += group
    files: dict[str, bytes] = {}
    for drawing in drawings:
        files[f"{drawing.key}.svg"] = svg(drawing.figure).encode("utf-8")
        files[f"{drawing.key}.png"] = png(drawing.figure)
    for strip in pictures.strips:
        files[f"scalp-{strip.key}.png"] = contact_sheet(strip)
    folder = Path(directory)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            partial = folder / f".{name}.partial"
            partial.write_bytes(data)
            partial.replace(folder / name)
    except OSError as error:
        raise InputError(
            Problem(str(directory), "a folder that pictures can be written to",
                    error.strerror or str(error), "Choose another folder.")
        ) from None  # fmt: skip
    return [folder / name for name in files]


def _surface(patient: "Patient", course: "xr.Dataset", scalp: "Scalp | None") -> "Scalp":
    from anagen.scalp import build_scalp

    if scalp is not None:
        return scalp
    size = course.attrs.get("circumference_mm", patient.head_circumference_mm)
    cell = float(course.attrs.get("cell_mm", 2.0))
    return build_scalp(None if size is None else float(size), cell)


def _check(course: "xr.Dataset", untreated: "xr.Dataset", scalp: "Scalp") -> None:
    problems = [
        Problem(name, f"{len(scalp.position)} cells, as the scalp has",
                f"{data.sizes.get('cell', 0)} cells", "Simulate on this scalp.")
        for name, data in (("course", course), ("untreated", untreated))
        if data.sizes.get("cell", 0) != len(scalp.position)
    ]  # fmt: skip
    if problems:
        raise InputError(problems)


def _patches(
    patient: "Patient", scalp: "Scalp", course: "xr.Dataset", plan: "Plan"
) -> dict[str, Array]:
    """Share of each cell inside each patch, as last seen at the start of the course."""
    from anagen.patient import patch_shapes
    from anagen.scalp import patch_cells

    shapes = patch_shapes(patient, start_of(course, plan))
    return {
        name: np.asarray(patch_cells(scalp, shape, f"patch {name}"), dtype=float)
        for name, shape in shapes.items()
    }
