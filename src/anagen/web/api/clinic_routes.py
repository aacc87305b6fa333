"""The clinic as a whole: settings, the audit log, health and figures."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field

from anagen.clinic.accesses import accesses
from anagen.clinic.settings import change_setting, setting, settings
from anagen.web.api.shapes import (
    Body,
    IfMatch,
    Limit,
    Listed,
    expected_version,
    json_answer,
    read_cursor,
    refusals,
    write_cursor,
)
from anagen.web.guard import Allowed, Anyone, CurrentActor
from anagen.web.routes import RecordedRoute

router = APIRouter(route_class=RecordedRoute, tags=["clinic"])
open_router = APIRouter(route_class=RecordedRoute, tags=["server"])

SettingName = Annotated[str, Path(pattern=r"^[a-z_]{1,40}$")]


class SettingOut(BaseModel):
    """A setting as it stands."""

    name: str
    meaning: str
    value: str
    version: int = Field(description="0 while it is the default; also the ETag")
    allowed: list[str]


class NewSetting(Body):
    """Another value of a setting."""

    value: Annotated[str, Field(max_length=400)]
    reason: Annotated[str, Field(min_length=3, max_length=1000)]


class AccessOut(BaseModel):
    """One line of the audit log."""

    seq: int
    at: str
    account: str | None
    token: str | None
    action: str
    person: str | None
    outcome: int
    request: str
    address: str


class Health(BaseModel):
    """Whether the server can do its work."""

    status: str
    version: str


@router.get(
    "/settings",
    operation_id="list_settings",
    dependencies=[Depends(Allowed("settings:read"))],
    response_model=list[SettingOut],
    responses=refusals(),
)
def list_settings(request: Request) -> Response:
    """List all settings with what they mean and may be."""
    return json_answer([asdict(one) for one in settings(request.app.state.store)])


@router.get(
    "/settings/{name}",
    operation_id="read_setting",
    dependencies=[Depends(Allowed("settings:read"))],
    response_model=SettingOut,
    responses=refusals(404),
)
def read_setting(request: Request, name: SettingName) -> Response:
    """Read one setting."""
    return _setting_answer(request, name)


@router.put(
    "/settings/{name}",
    operation_id="change_setting",
    dependencies=[Depends(Allowed("settings:write"))],
    response_model=SettingOut,
    responses=refusals(400, 404, 412, 428),
)
def write_setting(
    request: Request, name: SettingName, body: NewSetting, actor: CurrentActor,
    if_match: IfMatch = None,
) -> Response:  # fmt: skip
    """Choose another value for a setting."""
    change_setting(
        request.app.state.store, actor, name, body.value, expected=expected_version(if_match),
        reason=body.reason,
    )  # fmt: skip
    return _setting_answer(request, name)


def _setting_answer(request: Request, name: str) -> Response:
    found = setting(request.app.state.store, name)
    return json_answer(asdict(found), 200, {"ETag": f'"{found.version}"'})


@router.get(
    "/audit",
    operation_id="list_accesses",
    dependencies=[Depends(Allowed("audit:read"))],
    response_model=Listed[AccessOut],
    responses=refusals(),
)
def read_audit(
    request: Request, actor: CurrentActor,
    person: Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]*$")] = None,
    account: Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]*$")] = None,
    cursor: Annotated[str | None, Query(max_length=400)] = None, limit: Limit = 100,
) -> Response:  # fmt: skip
    """Tell who looked at or changed what, from the first line on."""
    position = read_cursor(cursor, 1)
    after = int(position[0]) if position and position[0].isdigit() else 0
    lines = accesses(
        request.app.state.store, actor, person=person, account=account, after=after,
        limit=limit + 1,
    )  # fmt: skip
    part = lines[:limit]
    more = (str(part[-1].seq),) if len(lines) > limit else None
    items: list[dict[str, Any]] = [asdict(line) for line in part]
    return json_answer({"items": items, "next": write_cursor(more)})


@open_router.get(
    "/healthz",
    operation_id="health",
    dependencies=[Depends(Anyone())],
    response_model=Health,
    responses={503: {"description": "The database cannot be used"}},
)
def health(request: Request) -> Response:
    """Tell whether the database answers."""
    from sqlalchemy import select

    from anagen._version import __version__
    from anagen.clinic.store import reading
    from anagen.clinic.tables import chains

    with reading(request.app.state.store) as connection:
        connection.execute(select(chains.c.seq)).all()
    return json_answer({"status": "ok", "version": __version__})


@open_router.get(
    "/metrics",
    operation_id="metrics",
    dependencies=[Depends(Allowed("settings:read"))],
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, **refusals()},
)
def metrics(request: Request) -> Response:
    """Give the figures of the server for Prometheus."""
    state = request.app.state
    load = state.compute.load()
    state.metrics.jobs.labels("queued").set(load.queued)
    state.metrics.jobs.labels("running").set(load.running)
    text = state.metrics.text()
    return Response(text, media_type="text/plain; version=0.0.4")
