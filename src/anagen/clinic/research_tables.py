"""Tables for research: columns, and their codebook, read off the models of the record.

A field that a model gains becomes a column by itself; a text field waits for a rule in
`anagen.clinic.research_rules`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from anagen.clinic.deidentify import is_text
from anagen.clinic.documents import AdverseEvent, SessionKept
from anagen.clinic.research_rules import NEVER, RULES
from anagen.patient.record import (
    OtherSteroid,
    PatchDose,
    PatchSeen,
    Patient,
    Reading,
    SessionSummary,
    Visit,
)
from anagen.scalp.shapes import PatchShape
from anagen.treatment.injections import Injection

ColumnType = Literal["text", "integer", "number", "boolean", "date", "list of text", "JSON text"]

Row = dict[str, Any]

_UNIT = re.compile(r"\s*\[([^\[\]]+)\]")
_PLAIN: Mapping[type, ColumnType] = {
    bool: "boolean", int: "integer", float: "number", date: "date", str: "text",
}  # fmt: skip
# Models that stand in one column, as the patient file writes them.
_AS_JSON = (PatchShape,)
# Lists with a table of their own.
_OWN_TABLE = frozenset(
    (
        ("Patient", "visits"), ("Patient", "sessions"), ("Patient", "session_summaries"),
        ("Patient", "other_steroids"), ("Visit", "patches"), ("PatchSeen", "readings"),
        ("Session", "injections"), ("SessionSummary", "patches"),
    )
)  # fmt: skip
# Names under which a field stands where its own would be taken for something else.
_RENAMED = {("Patient", "id"): "person", ("PatchSeen", "id"): "patch"}
# Parts whose fields need no prefix: there is but one of them.
_NO_PREFIX = frozenset((("SessionKept", "session"),))

# Meaning of fields that explain themselves where they are typed, but not in a table.
_MEANINGS = {
    ("Patient", "id"): "research id of the person",
    ("Patient", "sex"): "sex",
    ("Patient", "head_circumference_mm"): "tape over brow and occiput [mm]",
    ("Patient", "ancestry"): "ancestry",
    ("Patient", "pregnant"): "whether pregnant",
    ("Patient", "breast_feeding"): "whether breast feeding",
    ("Patient", "post_menopausal"): "whether past the menopause",
    ("Patient", "smoker"): "whether a smoker",
    ("Visit", "date"): "day of the visit",
    ("PatchSeen", "id"): "lasting name of the patch",
    ("PatchSeen", "shape"): "outlines or masks in the four views as drawn at this visit",
    ("PatchSeen", "atrophy_grade"): "atrophy, 0 none to 4 severe",
    ("PatchSeen", "telangiectasia_grade"): "telangiectasia, 0 none to 4 severe",
    ("PatchSeen", "colour_change_grade"): "change of colour, 0 none to 4 severe, either way",
    ("Visit", "adverse_events"): "harms since the visit before",
    ("Session", "date"): "day of the session",
    ("Injection", "status"): "given or skipped",
    ("Injection", "skipped_reason"): "why it was skipped",
    ("Injection", "patch"): "patch treated",
    ("PatchDose", "patch"): "patch treated",
    ("AdverseEvent", "patch"): "patch concerned",
    ("Session", "comfort"): "what was done against pain",
    ("SessionSummary", "date"): "day of the session",
    ("OtherSteroid", "route"): "how it was given",
    ("AdverseEvent", "start"): "first day",
    ("AdverseEvent", "end"): "last day",
    ("AdverseEvent", "course"): "how it went on",
    ("AdverseEvent", "related"): "how likely the treatment caused it",
    ("ViewPoint", "view"): "view of the head in which the site is drawn",
    ("ViewPoint", "x"): "to the right from the top-left corner of the view, in location_unit",
    ("ViewPoint", "y"): "down from the top-left corner of the view, in location_unit",
    ("ViewPoint", "unit"): "mm, or fraction of the frame of the view",
}


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name : as it stands in the table.
    meaning : in words.
    unit : of numbers; empty where there is none.
    type : of its values.
    allowed : its values or their bounds, in words; empty where anything of the type may stand.
    path : how it is read from a row of the model; empty for keys.
    """

    name: str
    meaning: str
    unit: str
    type: ColumnType
    allowed: str
    path: tuple[str, ...] = ()

    def read(self, row: BaseModel) -> Any:
        """Value of the column in a row; None where nothing is recorded."""
        value: Any = row
        for name in self.path:
            if value is None:
                return None
            value = getattr(value, name)
        return int(value) if self.type == "integer" and value is not None else _plain(value)


@dataclass(frozen=True)
class ResearchTable:
    """One table.

    Parameters
    ----------
    name : of the table and its files.
    about : what a row is.
    keys : columns that say which row it is.
    columns : all others.
    """

    name: str
    about: str
    keys: tuple[Column, ...]
    columns: tuple[Column, ...]

    @property
    def all(self) -> tuple[Column, ...]:
        """Every column, keys first."""
        return (*self.keys, *self.columns)

    def row(self, *documents: BaseModel, **keys: Any) -> Row:
        """Row of the table from documents already disguised, and its keys.

        A column is read from the first document that has its field.
        """
        found: Row = dict(keys)
        for column in self.columns:
            source = next(d for d in documents if column.path[0] in type(d).model_fields)
            found[column.name] = column.read(source)
        return found


_PERSON = Column("person", "research id of the person", "", "text", "")
_VISIT = Column("visit", "number of the visit of this person, in order of date", "", "integer", "")
_PATCH = Column("patch", "lasting name of the patch, numbered as it first appears", "", "text", "")
_SESSION = Column(
    "session", "number of the session of this person, in order of date", "", "integer", ""
)
_SUMMARY = Column(
    "summary", "number of the summed-up session of this person, in order of date", "", "integer", ""
)
_NUMBER = Column("number", "running number within the person", "", "integer", "")
_READING = Column("reading", "running number of the reading of this patch", "", "integer", "")

_DEFINED: tuple[tuple[str, str, tuple[Column, ...], tuple[type[BaseModel], ...]], ...] = (
    ("people", "one person", (), (Patient,)),
    ("visits", "what was seen on one day", (_PERSON, _VISIT), (Visit,)),
    ("patches", "one patch at one visit", (_PERSON, _VISIT), (PatchSeen,)),
    ("readings", "a further reading of a patch at a visit",
     (_PERSON, _VISIT, _PATCH, _READING), (Reading,)),
    ("sessions", "one session given, site by site", (_PERSON, _SESSION), (SessionKept,)),
    ("injections", "one site of a session", (_PERSON, _SESSION), (Injection,)),
    ("session_summaries", "what one patch received in a session of which only sums are known",
     (_PERSON, _SUMMARY), (SessionSummary, PatchDose)),
    ("other_steroids", "a steroid by another route, or elsewhere",
     (_PERSON, _NUMBER), (OtherSteroid,)),
    ("adverse_events", "a harm", (_PERSON, _NUMBER), (AdverseEvent,)),
)  # fmt: skip


@lru_cache(maxsize=1)
def research_tables() -> Mapping[str, ResearchTable]:
    """Every table of the export, by name.

    Examples
    --------
    >>> [column.name for column in research_tables()["readings"].keys]
    ['person', 'visit', 'patch', 'reading']
    """
    return {
        name: ResearchTable(
            name, about, keys, tuple(column for model in models for column in columns_of(model))
        )
        for name, about, keys, models in _DEFINED
    }


def columns_of(
    model: type[BaseModel], prefix: str = "", path: tuple[str, ...] = ()
) -> Iterator[Column]:
    """Give the columns that a model makes: one for each field that may leave the clinic."""
    described = model.model_json_schema()["properties"]
    for name, definition in model.model_fields.items():
        place = (model.__name__, name)
        if place in NEVER or place in _OWN_TABLE:
            continue
        inner = next(iter(_models(definition.annotation)), None)
        if inner is not None and inner not in _AS_JSON:
            longer = prefix if place in _NO_PREFIX else f"{prefix}{name}_"
            yield from columns_of(inner, longer, (*path, name))
        elif place in RULES or not is_text(definition.annotation):
            yield _column(model, name, f"{prefix}{name}", described[name], (*path, name))


def codebook() -> list[dict[str, str]]:
    """Every column of every table in words: table, column, meaning, unit, type, allowed."""
    return [
        {"table": table.name, "column": column.name, "meaning": column.meaning,
         "unit": column.unit, "type": column.type, "allowed": column.allowed}
        for table in research_tables().values()
        for column in table.all
    ]  # fmt: skip


def codebook_markdown() -> str:
    """Codebook for people to read."""
    lines = [
        "# Codebook", "",
        "An empty cell means that nothing is recorded. A list stands as JSON in the CSV files; an "
        "empty one, [], means that it was asked and there is none.",
    ]  # fmt: skip
    for table in research_tables().values():
        lines += ["", f"## {table.name}", "", f"A row is {table.about}.", ""]
        lines += ["| column | meaning | unit | type | allowed |", "|---|---|---|---|---|"]
        for column in table.all:
            cells = (column.name, column.meaning, column.unit, column.type, column.allowed)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _column(
    model: type[BaseModel], field: str, name: str, schema: Mapping[str, Any], path: tuple[str, ...]
) -> Column:
    place = (model.__name__, field)
    annotation = model.model_fields[field].annotation
    said = _MEANINGS.get(place) or schema.get("description") or _documented(model).get(field, "")
    unit, rule = _UNIT.search(said), RULES.get(place)
    meaning, kind = _UNIT.sub("", said).replace("``", "").strip().rstrip("."), _type(annotation)
    allowed = _allowed(schema, annotation)
    if rule is not None:
        meaning = ": ".join(words for words in (meaning, rule.meaning) if words)
        kind, allowed = rule.type or kind, rule.allowed or allowed
    if kind == "date":
        meaning += ", shifted"
    return Column(
        _RENAMED.get(place, name), meaning, unit.group(1) if unit else "", kind, allowed, path,
    )  # fmt: skip


def _documented(model: type[BaseModel]) -> dict[str, str]:
    """Meaning of fields as the docstring of a model says it (numpydoc)."""
    found = {}
    for line in (model.__doc__ or "").splitlines():
        names, colon, words = line.strip().partition(" : ")
        if colon:
            found.update({name.strip(): words for name in names.split(",")})
    return found


def _type(annotation: Any) -> ColumnType:
    if any(model in _AS_JSON for model in _models(annotation)):
        return "JSON text"
    if _is_list(annotation):
        return "list of text"
    for leaf in _leaves(annotation):
        if leaf in _PLAIN:
            return _PLAIN[leaf]
    return "text"


def _is_list(annotation: Any) -> bool:
    if get_origin(annotation) is tuple:
        return True
    return any(_is_list(part) for part in get_args(annotation))


def _leaves(annotation: Any) -> Iterator[type]:
    if get_origin(annotation) is Literal:
        yield from dict.fromkeys(type(value) for value in get_args(annotation))
    elif isinstance(annotation, type) and get_origin(annotation) is None:
        yield annotation
    else:
        for part in get_args(annotation):
            yield from _leaves(part)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    yield from (leaf for leaf in _leaves(annotation) if issubclass(leaf, BaseModel))


def _choices(annotation: Any) -> tuple[str, ...]:
    if get_origin(annotation) is Literal:
        return tuple(str(value) for value in get_args(annotation))
    return tuple(choice for part in get_args(annotation) for choice in _choices(part))


def _allowed(schema: Mapping[str, Any], annotation: Any) -> str:
    choices = _choices(annotation)
    if choices:
        return ", ".join(choices)
    for part in (schema, *schema.get("anyOf", ()), *_nested(schema)):
        if "minimum" in part and "maximum" in part:
            return f"{part['minimum']:g} to {part['maximum']:g}"
        if "minimum" in part:
            return f"at least {part['minimum']:g}"
    return ""


def _nested(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for part in schema.get("anyOf", ()):
        yield from part.get("anyOf", ())


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return json.dumps(value.model_dump(mode="json", exclude_none=True), separators=(",", ":"))
    if isinstance(value, tuple):
        return [str(one) for one in value]
    return value
