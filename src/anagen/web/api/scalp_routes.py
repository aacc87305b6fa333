"""The scalp for drawing on it, and what a drawing measures."""

import json
from dataclasses import asdict
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field, TypeAdapter

from anagen.errors import Problem
from anagen.patient.measures import Overlap, PatchMeasure, measure_drawing
from anagen.patient.quantities import HeadMillimetres, Identifier, Percent
from anagen.patient.record import Ancestry
from anagen.scalp.shapes import PatchShape
from anagen.web.api.shapes import Body, IfNoneMatch, json_answer, refusals
from anagen.web.guard import Allowed
from anagen.web.problems import FieldProblem
from anagen.web.routes import RecordedRoute


class ComputingRoute(RecordedRoute):
    """A route that computes about nobody and keeps nothing: every stroke of a drawing asks it."""

    changes = False


router = APIRouter(route_class=ComputingRoute, tags=["scalp"])

_READ = [Depends(Allowed("record:read"))]
# A browser asks again after an hour; the ETag then saves the transfer.
_CACHE = "private, max-age=3600"

Millimetres = Annotated[
    float | None, Query(gt=0, le=2000, description="tape over brow and occiput [mm]")
]


class Drawn(Body):
    """Patches as drawn, and how much hair is back in each."""

    circumference_mm: HeadMillimetres | None = Field(
        None, description="tape over brow and occiput [mm]; the mean adult's when missing"
    )
    ancestry: Ancestry = "unknown"
    patches: Annotated[dict[Identifier, PatchShape], Field(max_length=200)] = Field(
        default_factory=dict, description="shape by id of the patch"
    )
    regrowth: Annotated[dict[Identifier, Percent | None], Field(max_length=200)] = Field(
        default_factory=dict, description="share covered again by id of the patch [%]"
    )


class MeasuredOut(BaseModel):
    """What the drawing measures."""

    patches: dict[str, PatchMeasure]
    overlaps: list[Overlap]
    area_cm2: float = Field(description="all patches together, shared ground once [cm2]")
    loss_percent: dict[str, float] = Field(description="loss by SALT region [%]")
    salt_percent: float
    scalp_cm2: float
    problems: dict[str, list[FieldProblem]]


class GeometryOut(BaseModel):
    """The head for drawing; lengths in mm, right-handed: x right, y front, z up."""

    circumference_mm: float
    area_cm2: float
    drawing_tolerance_mm: float
    head: dict[str, Any]
    hairline: list[list[float]]
    borders: list[list[list[float]]]
    marks: list[dict[str, Any]]
    views: dict[Literal["top", "back", "left", "right"], dict[str, Any]]


_MEASURE: TypeAdapter[Any] = TypeAdapter(PatchMeasure)


@router.get("/scalp", operation_id="read_scalp", dependencies=_READ, response_model=GeometryOut,
            responses=refusals())  # fmt: skip
def read_scalp(
    circumference_mm: Millimetres = None, ancestry: Ancestry = "unknown",
    if_none_match: IfNoneMatch = None,
) -> Response:  # fmt: skip
    """Give the lines and areas that draw a head of some size: four views, and one turned freely."""
    text, mark = _drawing(circumference_mm)
    headers = {"ETag": mark, "Cache-Control": _CACHE}
    if if_none_match is not None and mark in if_none_match:
        return Response(status_code=304, headers=headers)
    return Response(text, headers=headers, media_type="application/json")


@router.post("/scalp/measure", operation_id="measure_drawing", dependencies=_READ,
             response_model=MeasuredOut, responses=refusals())  # fmt: skip
def measure(request: Request, drawn: Drawn) -> Response:
    """Measure drawn patches; nothing is kept. A shape with a problem says what is wrong with it."""
    from anagen.scalp.grid import build_scalp

    scalp = build_scalp(drawn.circumference_mm)
    found = measure_drawing(scalp, drawn.patches, drawn.regrowth)
    return json_answer(
        {
            "patches": {
                name: _MEASURE.dump_python(one, mode="json") for name, one in found.patches.items()
            },
            "overlaps": [asdict(one) for one in found.overlaps],
            "area_cm2": found.area_cm2,
            "loss_percent": dict(found.loss_percent),
            "salt_percent": found.salt_percent,
            "scalp_cm2": found.scalp_cm2,
            "problems": {
                name: [_shown(problem) for problem in problems]
                for name, problems in found.problems.items()
            },
        }
    )


def _shown(problem: Problem) -> dict[str, str]:
    return {
        "field": problem.place, "expected": problem.expected, "found": problem.found,
        "remedy": problem.remedy,
    }  # fmt: skip


def prepare() -> None:
    """Make the mean adult's drawing and the scales ahead, so that no first visit waits for them."""
    from anagen.evidence.scales import load_scales

    load_scales()
    _drawing(None)


@lru_cache(maxsize=32)
def _drawing(circumference_mm: float | None) -> tuple[bytes, str]:
    from anagen.report.scalp_drawing import scalp_drawing
    from anagen.scalp.grid import build_scalp

    drawing = scalp_drawing(build_scalp(circumference_mm))
    text = json.dumps(drawing, separators=(",", ":"), allow_nan=False).encode()
    return text, f'"{sha256(text).hexdigest()[:16]}"'
