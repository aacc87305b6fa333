"""What ``anagen evidence`` does, without a word of how it is shown."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from anagen.errors import InputError, Problem

if TYPE_CHECKING:
    from anagen.evidence.published import Arm, CourseResult, Harm
    from anagen.evidence.references import Reference

Kind = Literal["arms", "harms", "course", "references"]
StatusName = Literal["verified", "memory", "design_only"]

NO_ENDPOINT = "none"
"""Word that asks for arms whose outcome no machine reads."""


@dataclass(frozen=True)
class EvidenceQuery:
    """Which rows of the published evidence are asked for; None asks for all.

    Parameters
    ----------
    kind : table.
    study : part of a study's name, author or reference.
    endpoint : of an arm; ``none`` for those that no machine reads.
    status : how a row was read.
    """

    kind: Kind = "arms"
    study: str | None = None
    endpoint: str | None = None
    status: StatusName | None = None


@dataclass(frozen=True)
class StudyRecord:
    """Everything known about one study.

    Parameters
    ----------
    study_id : as asked for, in the spelling of the tables.
    reference : where it was published.
    arms, harms, course : its rows.
    """

    study_id: str
    reference: "Reference"
    arms: tuple["Arm", ...]
    harms: tuple["Harm", ...]
    course: tuple["CourseResult", ...]


def find_evidence(query: EvidenceQuery) -> list[Any]:
    """Find rows of published evidence, in the order of their table.

    Raises
    ------
    InputError
        When the endpoint is unknown, or the table has no endpoints or no status.

    Examples
    --------
    >>> {arm.study_id for arm in find_evidence(EvidenceQuery(study="kuldeep"))}
    {'Kuldeep2011'}
    """
    endpoint = None if query.endpoint is None else _spelled(query.endpoint)
    _check(query, endpoint)
    wanted = "" if endpoint == NO_ENDPOINT else endpoint
    return [
        row
        for row in _table(query.kind)
        if (query.study is None or _names(row, query.study))
        and (wanted is None or row.endpoint == wanted)
        and (query.status is None or row.quote_status == query.status)
    ]


def find_study(study_id: str) -> StudyRecord:
    """Find everything known about one study, by its name or that of its reference, in any case.

    Raises
    ------
    InputError
        When there is no such study; the remedy names what comes near.

    Examples
    --------
    >>> len(find_study("su2022_ma").arms)
    4
    """
    from anagen.evidence.references import load_references

    references = load_references()
    rows = [row for kind in ("arms", "harms", "course") for row in _table(kind)]
    studies = {row.study_id.casefold(): row.study_id for row in rows}
    keys = {key.casefold(): key for key in references}
    asked = study_id.strip().casefold()
    if asked in studies:
        name = studies[asked]
        chosen = [row for row in rows if row.study_id == name]
        key = chosen[0].reference
    elif asked in keys:
        name = key = keys[asked]
        chosen = [row for row in rows if row.reference == key]
    else:
        raise InputError(_unknown(study_id, [*studies.values(), *keys.values()]))
    parts = {kind: tuple(row for row in chosen if type(row).__name__ == kind)
             for kind in ("Arm", "Harm", "CourseResult")}  # fmt: skip
    return StudyRecord(name, references[key], parts["Arm"], parts["Harm"], parts["CourseResult"])


def plain(row: Any) -> dict[str, Any]:
    """One row or study as plain data, for JSON."""
    return asdict(row)


def _spelled(endpoint: str) -> str:
    return "_".join(endpoint.lower().replace("_", " ").split())


def _check(query: EvidenceQuery, endpoint: str | None) -> None:
    from anagen.evidence.published import ENDPOINTS

    problems = []
    if endpoint is not None:
        known = (*ENDPOINTS, NO_ENDPOINT)
        if query.kind != "arms":
            problems.append(
                Problem("--endpoint", "rows with an endpoint, --kind arms", f"--kind {query.kind}",
                        "Leave --endpoint out.")
            )  # fmt: skip
        elif endpoint not in known:
            problems.append(
                Problem("--endpoint", f"one of {', '.join(known)}", repr(query.endpoint),
                        _near(endpoint, known) or "Leave it out to see all.")
            )  # fmt: skip
    if query.status is not None and query.kind == "references":
        problems.append(
            Problem("--status", "rows with a status", "--kind references", "Leave --status out.")
        )
    if problems:
        raise InputError(problems)


def _table(kind: str) -> Sequence[Any]:
    from anagen.evidence.published import load_arms, load_course, load_harms
    from anagen.evidence.references import load_references

    if kind == "references":
        return list(load_references().values())
    loaders = {"arms": load_arms, "harms": load_harms, "course": load_course}
    return cast("Sequence[Any]", loaders[kind]())


def _names(row: Any, words: str) -> bool:
    """Whether a row belongs to a study whose name, author or reference holds the words."""
    fields = ("study_id", "first_author", "reference", "key", "authors", "title")
    asked = words.strip().casefold()
    return any(asked in str(getattr(row, field, "")).casefold() for field in fields)


def _unknown(study_id: str, known: Sequence[str]) -> Problem:
    remedy = _near(study_id, known) or "List them: anagen evidence list"
    return Problem("STUDY_ID", "a study or a reference", repr(study_id), remedy)


def _near(word: str, known: Iterable[str]) -> str:
    """Ask whether names that are spelled alike, or hold the word, are meant."""
    from difflib import get_close_matches

    names = {name.casefold(): name for name in known}
    asked = word.strip().casefold()
    near = get_close_matches(asked, names, n=3)
    near += [name for name in names if len(asked) > 2 and asked in name]
    found = list(dict.fromkeys(names[name] for name in near))[:3]
    return f"Did you mean {' or '.join(found)}?" if found else ""
