"""The visit: patches drawn in the editor, regrowth and signs by patch, scores and harms.

Without JavaScript the same form is a table of patches; a new one is given by its middle and its
diameter in one of the views.
"""

import datetime
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from anagen.clinic.documents import PatchChange, VisitKept
from anagen.clinic.entries import Entry
from anagen.clinic.patches import patch_history
from anagen.clinic.people import documents_of, keep, patient_of
from anagen.clinic.repeats import changed_once, created_once, key_of
from anagen.errors import AnagenError, InputError, NotFoundError, Problem, StaleError
from anagen.patient import PatchSeen, Patient, latest_patches
from anagen.scalp import circle_outline
from anagen.scalp.shapes import PatchShape
from anagen.web.api.shapes import Key, Number
from anagen.web.console.forms import document_from, tree, typed
from anagen.web.console.island_texts import island_texts
from anagen.web.console.pages import PageRoute, problems_by_field
from anagen.web.console.render import page, texts_for
from anagen.web.console.texts import Texts
from anagen.web.guard import Allowed, CurrentActor
from anagen.web.problems import refusal_of

# As long as the draft of a visit is kept on a device.
_KEPT_SECONDS = 3 * 86_400

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_WRITE = [Depends(Allowed("record:write"))]
SIGNS = ("tapering_hairs", "black_dots", "broken_hairs", "yellow_dots", "short_vellus_hairs")
GRADES = ("atrophy_grade", "telangiectasia_grade", "colour_change_grade")
# Fields of a patch that the form has for itself; shape and painted regrowth come from the editor.
_DRAWN = ("shape", "regrowth_percent", "terminal_percent", "regrowth_grade", "regrowth_scale")


@router.get("/people/{number}/visit", dependencies=_WRITE)
def new_visit(request: Request, number: Number, actor: CurrentActor) -> Response:
    """Show the form of a new visit, with the patches as last seen."""
    patient = patient_of(request.app.state.store, number)
    today = datetime.date.today()
    ended = _ended(request, actor, number)
    seen = [
        patch.model_copy(update={"readings": (), "note": ""})
        for name, patch in latest_patches(patient).items() if name not in ended
    ]  # fmt: skip
    fields = {"seen.date": today.isoformat(), **_patch_fields(seen, carried=True)}
    return _form(request, number, patient, fields, {}, key="", version=0, drawn=seen,
                 ended=ended)  # fmt: skip


@router.get("/people/{number}/visits/{key}", dependencies=_WRITE)
def old_visit(request: Request, number: Number, key: Key, actor: CurrentActor) -> Response:
    """Show a visit, to be read or corrected."""
    entry = _visit(request, actor, number, key)
    document: VisitKept = entry.document
    patient = patient_of(request.app.state.store, number)
    fields = {**_visit_fields(document), **_patch_fields(document.seen.patches)}
    return _form(
        request, number, patient, fields, {}, key=key, version=entry.version,
        drawn=document.seen.patches, changes=document.patch_changes, until=document.seen.date,
    )  # fmt: skip


@router.post("/people/{number}/visit", dependencies=_WRITE)
async def add_visit(request: Request, number: Number, actor: CurrentActor) -> Response:
    """Keep a new visit."""
    return await _keep(request, number, actor, await typed(request), key="")


@router.post("/people/{number}/visits/{key}", dependencies=_WRITE)
async def change_visit(request: Request, number: Number, key: Key, actor: CurrentActor) -> Response:
    """Keep a corrected visit."""
    return await _keep(request, number, actor, await typed(request), key=key)


async def _keep(
    request: Request, number: str, actor: Any, fields: Mapping[str, str], key: str
) -> Response:
    store = request.app.state.store
    try:
        document = read_visit(fields)
        await run_in_threadpool(_write, store, actor, number, document, fields, key)
    except AnagenError as error:
        patient = await run_in_threadpool(patient_of, store, number)
        version, errors = _version(fields), problems_by_field(error)
        if isinstance(error, StaleError):
            version = (await run_in_threadpool(_visit, request, actor, number, key)).version
            errors = {"": _told_of_change(request)}
        return await run_in_threadpool(
            _form, request, number, patient, dict(fields), errors, key=key, version=version,
            status=refusal_of(error).status, **_sent_drawing(fields),
        )  # fmt: skip
    answer = RedirectResponse(f"/people/{number}", 303)
    # The draft on the device learns from it that the record has this form.
    answer.set_cookie("anagen_kept", fields.get("once", "")[:64], max_age=_KEPT_SECONDS,
                      path=f"/people/{number}", samesite="strict",
                      secure=request.app.state.settings.secure)  # fmt: skip
    return answer


def _told_of_change(request: Request) -> str:
    """Words for whoever comes second; saving again then is a choice."""
    return texts_for(request).text(
        "Somebody else changed this visit while you worked on it. What you typed stands below and "
        "is not saved yet. Compare it with the history of this person; to put yours in its place, "
        "save again. Theirs stays in the history."
    )


def _write(
    store: Any, actor: Any, number: str, document: VisitKept, fields: Mapping[str, str], key: str
) -> Any:
    if key:
        version, reason = _version(fields), fields.get("reason", "")
        return changed_once(
            store, actor, "visit", key, document, version, reason,
            lambda: keep(store, actor, number, "visit", document, key=key, expected=version,
                         reason=reason),
        )  # fmt: skip
    drawn = key_of(store, actor, fields.get("once", ""), f"{number}/visits")
    return created_once(
        store, actor, "visit", drawn, document,
        lambda: keep(store, actor, number, "visit", document, key=drawn),
    )  # fmt: skip


def read_visit(fields: Mapping[str, str]) -> VisitKept:
    """Make the visit of what was typed and drawn.

    Raises
    ------
    InputError
        Every problem by field.
    """
    data = tree({name: value for name, value in fields.items() if name.startswith("seen.")})
    seen = data.get("seen", {})
    rows = {row["id"]: row for row in seen.pop("patches", []) if isinstance(row, dict)
            and row.get("id")}  # fmt: skip
    drawing = _drawing(fields)
    changes: list[Any] = []
    if drawing is not None:
        changes = drawing["patch_changes"]
        rows = {
            patch["id"]: {**rows.get(patch["id"], {}),
                          **{name: patch[name] for name in (*_DRAWN, "first_seen")
                             if patch.get(name) is not None}, "id": patch["id"]}
            for patch in drawing["patches"]
        }  # fmt: skip
    added = _added(fields)
    if added is not None:
        rows[added["id"]] = added
        changes.append({"kind": "new", "after": [added["id"]]})
    seen["patches"] = list(rows.values())
    return document_from(VisitKept, {"seen": seen, "patch_changes": changes})


def _drawing(fields: Mapping[str, str]) -> dict[str, list[Any]] | None:
    """Read what the editor mirrored into the form; None when it did not run."""
    text = fields.get("drawing", "").strip()
    if not text:
        return None
    problem = Problem("drawing", "what the editor made", "something else", "Load the page again.")
    try:
        data = json.loads(text)
        patches = [PatchSeen.model_validate(one).model_dump(mode="json", exclude_none=True)
                   for one in data["patches"]]  # fmt: skip
        changes = [PatchChange.model_validate(one).model_dump(mode="json")
                   for one in data["patch_changes"]]  # fmt: skip
    except (ValueError, KeyError, TypeError):
        raise InputError(problem) from None
    return {"patches": patches, "patch_changes": changes}


def _added(fields: Mapping[str, str]) -> dict[str, Any] | None:
    """Read the patch that was given by middle and diameter, if one was."""
    name = fields.get("new.id", "").strip()
    if not name:
        return None
    found: dict[str, float] = {}
    problems = []
    for part in ("x", "y", "diameter"):
        try:
            found[part] = float(fields.get(f"new.{part}", "").replace(",", "."))
        except ValueError:
            problems.append(
                Problem(f"new.{part}", "a number in mm", repr(fields.get(f"new.{part}", "")[:20]),
                        "Write the number of millimetres.")
            )  # fmt: skip
    if problems:
        raise InputError(problems)
    view: Any = fields.get("new.view", "top")
    outline = circle_outline(view, found["x"], found["y"], found["diameter"])
    shape = PatchShape(outlines=(outline,)).model_dump(mode="json")
    return {"id": name, "shape": shape, "regrowth_percent": 0}


def _form(
    request: Request,
    number: str,
    patient: Patient,
    fields: Mapping[str, str],
    errors: Mapping[str, Any],
    *,
    key: str,
    version: int,
    drawn: Sequence[PatchSeen] = (),
    changes: Sequence[PatchChange] = (),
    until: datetime.date | None = None,
    ended: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    before = _before(patient, until, ended or {})
    model = {
        "visit_patches": [_plain(patch) for patch in drawn],
        "patch_changes": [one.model_dump(mode="json") for one in changes],
        "previous": before,
        "scales": _scales(texts_for(request)),
        "known_ids": sorted({seen.id for visit in patient.visits for seen in visit.patches}),
        "texts": island_texts(texts_for(request), "editor/words.js"),
        "draft_key": f"visit/{number}/{key or 'new'}",
        "draft_version": version,
        "geometry_url": _geometry_url(patient),
        "measure_url": "/api/v1/scalp/measure",
        "circumference_mm": patient.head_circumference_mm,
        "ancestry": patient.ancestry,
    }
    indexes = sorted({name.split(".")[2] for name in fields if name.startswith("seen.patches.")},
                     key=lambda part: int(part) if part.isdigit() else 0)  # fmt: skip
    return page(
        request, "visit.html", status, number=number, fields=dict(fields), errors=dict(errors),
        key=key, based_on=version, model=model, indexes=indexes, signs=SIGNS, grades=GRADES,
        once=fields.get("once") or _once(),
    )  # fmt: skip


def _before(
    patient: Patient, until: datetime.date | None, ended: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Give the patches of the visits before; those that were gone say so."""
    day = None if until is None else until - datetime.timedelta(days=1)
    return [
        {**_plain(patch), **({"state": "gone"} if name in ended else {})}
        for name, patch in latest_patches(patient, day).items()
        if ended.get(name, "gone") == "gone"
    ]


def _ended(request: Request, actor: Any, number: str) -> dict[str, str]:
    """Tell what became of the patches that are no more, by id."""
    visits = documents_of(request.app.state.store, actor, number, ("visit",))
    return {
        line.id: line.state for line in patch_history(visits)
        if line.state in ("gone", "split", "merged")
    }  # fmt: skip


@cache
def _scales(texts: Texts) -> list[dict[str, Any]]:
    """List published scales of regrowth, for a grade instead of a percentage."""
    from anagen.evidence.scales import load_scales

    return [
        {"key": key, "name": texts.text(scale.name),
         "grades": [{"label": grade.label, "meaning": texts.text(grade.meaning),
                     "lower": grade.lower, "upper": grade.upper} for grade in scale.grades]}
        for key, scale in load_scales().regrowth.items()
    ]  # fmt: skip


def _plain(patch: PatchSeen) -> dict[str, Any]:
    return patch.model_dump(mode="json", exclude_none=True)


def _geometry_url(patient: Patient) -> str:
    size = patient.head_circumference_mm
    query = f"?circumference_mm={size:g}&" if size else "?"
    return f"/api/v1/scalp{query}ancestry={patient.ancestry}"


def _visit(request: Request, actor: Any, number: str, key: str) -> Entry:
    found = documents_of(request.app.state.store, actor, number, ("visit",))
    entry = next((entry for entry in found if entry.id == key), None)
    if entry is None:
        raise NotFoundError(f"visit {key}: the record of {number} holds no such visit")
    return entry


def _visit_fields(document: VisitKept) -> dict[str, str]:
    seen = document.seen.model_dump(mode="json", exclude_none=True)
    fields: dict[str, str] = {}
    for name, value in seen.items():
        if isinstance(value, list) and name != "patches":
            fields[f"seen.{name}:words"] = ", ".join(map(str, value))
        elif isinstance(value, int | float):
            fields[f"seen.{name}:number"] = f"{value:g}"
        elif isinstance(value, str):
            fields[f"seen.{name}"] = value
    return fields


def _patch_fields(patches: Sequence[PatchSeen], *, carried: bool = False) -> dict[str, str]:
    """Fields of each patch; of patches carried over only what stays as it was."""
    fields: dict[str, str] = {}
    for at, patch in enumerate(patches):
        root = f"seen.patches.{at}"
        fields[f"{root}.id"] = patch.id
        for name in (*GRADES, *(() if carried else ("pull_test_hairs", "regrowth_percent",
                                                    "terminal_percent"))):  # fmt: skip
            value = getattr(patch, name)
            if value is not None:
                fields[f"{root}.{name}:number"] = f"{value:g}"
        for name in ("blocked", *(() if carried else ("activity", "infection", "note"))):
            if getattr(patch, name):
                fields[f"{root}.{name}"] = str(getattr(patch, name))
        if patch.trichoscopy is not None and not carried:
            for sign in SIGNS:
                value = getattr(patch.trichoscopy, sign)
                if value is not None:
                    fields[f"{root}.trichoscopy.{sign}:number"] = str(value)
        if patch.shape is not None and not carried:
            fields[f"{root}.shape:json"] = patch.shape.model_dump_json()
    return fields


def _sent_drawing(fields: Mapping[str, str]) -> dict[str, Any]:
    """Give back what was drawn, so that a refused form loses nothing."""
    try:
        drawing = _drawing(fields)
    except InputError:
        drawing = None
    if drawing is None:
        return {}
    return {
        "drawn": [PatchSeen.model_validate(one) for one in drawing["patches"]],
        "changes": [PatchChange.model_validate(one) for one in drawing["patch_changes"]],
    }


def _version(fields: Mapping[str, str]) -> int:
    text = fields.get("version", "")
    return int(text) if text.isdigit() else 0


def _once() -> str:
    import secrets

    return secrets.token_hex(12)
