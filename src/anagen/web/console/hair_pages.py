"""The hair view of one person: the scalp hair by hair, with the plan and without."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from anagen.clinic.people import documents_of
from anagen.web.api.job_models import HairRequested
from anagen.web.api.shapes import Number, json_answer
from anagen.web.console.island_texts import island_texts
from anagen.web.console.pages import PageRoute
from anagen.web.console.render import page, texts_for
from anagen.web.console.waiting import is_fragment, same_job, waited
from anagen.web.guard import Allowed, CurrentActor

router = APIRouter(route_class=PageRoute, include_in_schema=False)

# It reads the record and computes; those who treat may do both.
_TREAT = [Depends(Allowed("record:write"))]


@router.get("/people/{number}/hair", dependencies=_TREAT)
def hair(request: Request, number: Number, actor: CurrentActor) -> Response:
    """Show the hair view; its hairs are made by a job and fetched by the page."""
    plans = [one for one in documents_of(request.app.state.store, actor, number, ("plan",))
             if one.document.state == "accepted"]  # fmt: skip
    plan = plans[-1].document.plan if plans else None
    job = same_job(request, actor, HairRequested(person=number, plan=plan))
    found = waited(request, actor, job.id, long=False)
    if is_fragment(request):
        return json_answer(_data(request, found))
    return page(request, "hair.html", number=number, accepted=plan is not None,
                data=None if found.active else _data(request, found))  # fmt: skip


def _data(request: Request, found: Any) -> dict[str, Any]:
    """Give what the island needs, or how far the job is."""
    if found.active:
        return {"working": True}
    result, texts = found.result, texts_for(request)
    if result is None or result.withheld:
        words = found.problem.detail if found.problem else texts.text(
            "The forecast behind this picture is withheld: the record and the model disagree."
        )  # fmt: skip
        return {"working": False, "refused": words}
    return {
        "working": False, "data": result.data,
        "labels": {name: texts.text(words) for name, words in result.labels.items()},
        "texts": island_texts(texts, "hair/texts.js"), "language": texts.language,
        "week": 0, "course": result.courses[0],
    }  # fmt: skip
