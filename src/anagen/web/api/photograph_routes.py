"""Photographs: sent as a form with the file, read back as pictures."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, File, Form, Query, Request, Response, UploadFile

from anagen.clinic.documents import PhotographKept
from anagen.clinic.entries import new_id
from anagen.clinic.pictures import PictureNote, add_photograph, picture
from anagen.clinic.repeats import key_of
from anagen.patient.quantities import Identifier, Text
from anagen.web.api.shapes import (
    IdempotencyKey,
    Key,
    Number,
    Versioned,
    checked_key,
    kept_answer,
    refusals,
)
from anagen.web.guard import Allowed, CurrentActor
from anagen.web.routes import RecordedRoute

router = APIRouter(route_class=RecordedRoute, tags=["photographs"])

_IMAGE = {"schema": {"type": "string", "format": "binary"}}


@router.post(
    "/people/{number}/photographs",
    status_code=201,
    operation_id="create_photograph",
    dependencies=[Depends(Allowed("record:write"))],
    response_model=Versioned[PhotographKept],
    responses=refusals(404, 413),
)
def add(
    request: Request,
    number: Number,
    actor: CurrentActor,
    *,
    file: Annotated[UploadFile, File(description="JPEG, PNG or WebP; 25 MB, 60 megapixels")],
    taken_on: Annotated[date, Form()],
    view: Annotated[Literal["top", "back", "left", "right", "close_up", "other"], Form()] = "other",
    patch: Annotated[Identifier | None, Form()] = None,
    visit: Annotated[str | None, Form(pattern=r"^[0-9a-z]{8,40}$")] = None,
    note: Annotated[Text, Form()] = "",
    idempotency: IdempotencyKey = None,
) -> Response:
    """Add a photograph; its metadata, with the place where it was taken, is not kept."""
    store = request.app.state.store
    drawn = checked_key(idempotency)
    key = key_of(store, actor, drawn, f"{number}/photographs") if drawn else new_id()
    about = PictureNote(taken_on, view, patch, visit, note)
    kept = add_photograph(store, actor, number, file.file.read(), about, key=key)
    return kept_answer(kept, 201, f"/api/v1/people/{number}/photographs/{key}")


@router.get(
    "/people/{number}/photographs/{key}/picture",
    operation_id="read_picture",
    dependencies=[Depends(Allowed("record:read"))],
    response_class=Response,
    responses={
        200: {"description": "The picture",
              "content": {"image/jpeg": _IMAGE, "image/png": _IMAGE, "image/webp": _IMAGE}},
        **refusals(404),
    },
)  # fmt: skip
def read_picture(
    request: Request,
    number: Number,
    key: Key,
    actor: CurrentActor,
    size: Annotated[int | None, Query(ge=16, le=2048, description="longest side [pixel]")] = None,
) -> Response:
    """Give the picture itself, or a smaller one."""
    content, media_type = picture(request.app.state.store, actor, number, key, size)
    headers = {
        "Content-Disposition": f'inline; filename="{key}.{media_type.partition("/")[2]}"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-store",
    }
    return Response(content, media_type=media_type, headers=headers)
