"""What the model rests on and how it was held against what is published."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from anagen.evidence.glossary import load_glossary
from anagen.web.console import evidence_tables as tables
from anagen.web.console.evidence_plot import compared_plot
from anagen.web.console.pages import PageRoute
from anagen.web.console.render import page, texts_for
from anagen.web.guard import Allowed

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_READ = [Depends(Allowed("settings:read"))]

Part = Literal["claims", "published", "parameters", "terms", "references"]
Words = Annotated[str, Query(max_length=200)]
Name = Annotated[str, Query(max_length=60)]


@router.get("/evidence", dependencies=_READ)
def show_evidence(
    request: Request, part: Part = "claims", text: Words = "", module: Name = "",
    origin: Name = "", verdict: Name = "",
) -> Response:  # fmt: skip
    """Show statements, published against predicted, the numbers of the model, or the references."""
    make = {"claims": _claims, "published": _published, "parameters": _parameters,
            "terms": _terms, "references": _references}[part]  # fmt: skip
    return page(
        request, "evidence.html", part=part, text=text, module=module, origin=origin,
        verdict=verdict, known=tables.references(),
        **make(request, text.strip(), module, origin, verdict),
    )  # fmt: skip


def _claims(_: Request, text: str, module: str, __: str, verdict: str) -> dict[str, Any]:
    every = tables.claim_rows()
    rows = [
        row for row in every
        if module in ("", row.claim.group)
        and (not verdict or (row.found is not None and row.found.verdict == verdict))
        and tables.holds(text, (row.claim.statement, row.claim.group, row.claim.measure,
                                row.claim.published.text, *row.claim.sources))
    ]  # fmt: skip
    counts = {name: sum(row.found is not None and row.found.verdict == name for row in every)
              for name in ("shown", "not shown", "contradicted")}  # fmt: skip
    by_group = {name: [row for row in rows if row.claim.group == name] for name in tables.groups()}
    population = next((row.found.population for row in every if row.found), "")
    return {"by_group": {name: found for name, found in by_group.items() if found},
            "counts": counts, "choices": tables.groups(), "many": len(rows),
            "all": len(every), "population": population}  # fmt: skip


def _published(request: Request, text: str, module: str, __: str, ___: str) -> dict[str, Any]:
    every = tables.compared_rows()
    rows = [row for row in every if module in ("", row.group)
            and tables.holds(text, (row.statement, row.group, row.source))]  # fmt: skip
    say = texts_for(request).text
    return {"compared": rows, "plot": compared_plot(rows, say), "choices": tables.groups(),
            "inside": sum(row.inside for row in rows), "many": len(rows),
            "all": len(every)}  # fmt: skip


def _parameters(_: Request, text: str, module: str, origin: str, __: str) -> dict[str, Any]:
    every = tables.parameter_rows()
    rows = [
        row for row in every
        if module in ("", row.module) and origin in ("", row.origin)
        and tables.holds(text, (row.key, row.symbol, row.name, row.source, row.locator, row.note))
    ]  # fmt: skip
    by_module = {name: [row for row in rows if row.module == name] for name in tables.modules()}
    origins = tuple(sorted({row.origin for row in every}))
    return {"by_module": {name: found for name, found in by_module.items() if found},
            "choices": tables.modules(), "origins": origins, "many": len(rows),
            "all": len(every)}  # fmt: skip


def _terms(request: Request, text: str, __: str, ___: str, ____: str) -> dict[str, Any]:
    every, say = load_glossary(), texts_for(request).text
    rows = [one for one in every.values()
            if tables.holds(text, (say(one.name), say(one.definition), one.source))]  # fmt: skip
    return {"glossary": sorted(rows, key=lambda one: say(one.name).casefold()), "choices": (),
            "many": len(rows), "all": len(every)}  # fmt: skip


def _references(_: Request, text: str, __: str, ___: str, ____: str) -> dict[str, Any]:
    every = tables.references()
    rows = [
        one
        for one in every.values()
        if tables.holds(text, (one.key, one.authors, one.year, one.title, one.where))
    ]
    rows.sort(key=lambda one: (one.authors.casefold(), one.year))
    return {"cited": tables.cited_by(), "found": rows, "choices": (), "many": len(rows),
            "all": len(every)}  # fmt: skip
