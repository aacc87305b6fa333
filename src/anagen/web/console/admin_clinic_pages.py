"""Administration: settings of the clinic, the access log, and the health of the server."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from anagen.clinic.accesses import latest_accesses
from anagen.clinic.permissions import Actor
from anagen.clinic.settings import change_setting, setting, settings
from anagen.errors import AnagenError, InputError, NotFoundError, Problem, StaleError
from anagen.evidence.rules import load_profiles
from anagen.web.console.access_lines import by_request
from anagen.web.console.clinic_figures import clinic_figures
from anagen.web.console.forms import typed
from anagen.web.console.pages import PageRoute, problems_by_field
from anagen.web.console.render import page
from anagen.web.guard import Allowed, CurrentActor
from anagen.web.problems import refusal_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_SETTINGS = [Depends(Allowed("settings:write"))]
_AUDIT = [Depends(Allowed("audit:read"))]
_LINES = 100
_SHORTEST_REASON, _LONGEST_REASON, _LONGEST_VALUE = 3, 1000, 400

Filter = Annotated[str, Query(max_length=64, pattern=r"^[^\x00]*$")]


@router.get("/admin/settings", dependencies=_SETTINGS)
def show_settings(request: Request, done: str = "") -> Response:
    """Show the settings, each with its form."""
    return _settings(request, 200, {}, {}, done=done)


@router.post("/admin/settings", dependencies=_SETTINGS)
async def save_setting(request: Request, actor: CurrentActor) -> Response:
    """Choose another value of one setting."""
    fields = await typed(request)
    try:
        await run_in_threadpool(_change, request, actor, fields)
    except NotFoundError:
        raise
    except StaleError as error:
        return await run_in_threadpool(
            _settings, request, refusal_of(error).status, {}, {"": f"{error}."}, done=""
        )
    except (AnagenError, InputError) as error:
        return await run_in_threadpool(
            _settings, request, refusal_of(error).status, fields, problems_by_field(error), done=""
        )
    return RedirectResponse(f"/admin/settings?done={fields['name']}", 303)


def _change(request: Request, actor: Actor, fields: dict[str, str]) -> None:
    store, name = request.app.state.store, fields.get("name", "")
    value, reason = fields.get("value", "").strip(), fields.get("reason", "").strip()
    setting(store, name)
    problems = []
    if len(value) > _LONGEST_VALUE or not value.isprintable():
        problems.append(Problem("value", f"at most {_LONGEST_VALUE} printable characters",
                                "others", "Shorten it."))  # fmt: skip
    if not _SHORTEST_REASON <= len(reason) <= _LONGEST_REASON:
        problems.append(
            Problem("reason", f"{_SHORTEST_REASON} to {_LONGEST_REASON} characters",
                    "nothing" if not reason else f"{len(reason)}", "Write why it is changed.")
        )  # fmt: skip
    if not fields.get("version", "").isdigit():
        problems.append(Problem("version", "a form of this page", "another", "Load it again."))
    if problems:
        raise InputError(problems)
    change_setting(store, actor, name, value, expected=int(fields["version"][:9]), reason=reason)


def _settings(
    request: Request, status: int, fields: dict[str, str], errors: Mapping[str, Any], *, done: str
) -> Response:  # fmt: skip
    found = settings(request.app.state.store)
    return page(
        request, "admin_settings.html", status, part="settings", settings=found, fields=fields,
        errors=errors, done=done, profiles=load_profiles(),
    )  # fmt: skip


@router.get("/admin/audit", dependencies=_AUDIT)
def show_audit(
    request: Request, actor: CurrentActor, person: Filter = "", account: Filter = "",
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
) -> Response:  # fmt: skip
    """Show who looked at or changed what, the newest first."""
    person, account = person.strip(), account.strip()
    if person:
        request.state.persons = (person,)
    lines = latest_accesses(
        request.app.state.store, actor, person=person or None, account=account or None,
        before=before, limit=_LINES + 1,
    )  # fmt: skip
    more = lines[_LINES - 1].seq if len(lines) > _LINES else None
    return page(
        request, "admin_audit.html", part="audit", lines=by_request(lines[:_LINES]), more=more,
        person=person, account=account, before=before,
    )  # fmt: skip


@router.get("/admin/health", dependencies=_SETTINGS)
def show_health(request: Request, actor: CurrentActor) -> Response:
    """Show how much there is, what the workers do, and the commands that keep the record safe."""
    state = request.app.state
    return page(
        request, "admin_health.html", part="health", figures=clinic_figures(state.store, actor),
        load=state.compute.load(),
    )  # fmt: skip
