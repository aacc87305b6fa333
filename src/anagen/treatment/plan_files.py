"""Plans as files: readable JSON, written whole or not at all, refused with place and remedy."""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from anagen._files import write_whole
from anagen.errors import InputError, Problem
from anagen.evidence.products import load_product
from anagen.treatment.injections import Plan
from anagen.treatment.validation import problems_of


def save_plan(plan: Plan, path: str | Path) -> None:
    """Write a plan as readable JSON, whole or not at all.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    write_whole(Path(path), plan_json(plan))


def plan_json(plan: Plan) -> str:
    """Return the text of a plan file; the same plan gives the same text."""
    return json.dumps(plan.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"


def load_plan(path: str | Path) -> Plan:
    """Read a plan from its file.

    Raises
    ------
    InputError
        When the file is missing, truncated, not UTF-8, not JSON, or not a plan; every problem with
        its place, syntax errors with line and column.
    """
    file = Path(path)
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(
            Problem(str(path), "a plan file", error.strerror or str(error), "Check the path.")
        ) from None
    except UnicodeDecodeError as error:
        found = f"byte {error.object[error.start]:#04x}"
        raise InputError(
            Problem(f"{path}: byte {error.start}", "UTF-8 text", found, "Save the file as UTF-8.")
        ) from None
    return read_plan(text, str(path))


def read_plan(text: str, place: str = "plan") -> Plan:
    """Read a plan from the text of its file; see `load_plan`.

    Examples
    --------
    >>> read_plan('{"protocol": "custom", "patient": "P001"}').patient
    'P001'
    """
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            Problem(f"{place}: line {error.lineno}, column {error.colno}", "JSON", error.msg,
                    "The file may be cut off or edited by hand; mend it or make the plan again.")
        ) from None  # fmt: skip
    except (RecursionError, ValueError) as error:
        raise InputError(Problem(place, "a plan", str(error), "Make the plan again.")) from None
    try:
        plan = Plan.model_validate(data)
    except ValidationError as error:
        raise InputError(problems_of(error, place)) from None
    problems = _product_problems(plan, place)
    if problems:
        raise InputError(problems)
    return plan


def plan_schema() -> dict[str, Any]:
    """JSON Schema of a plan file.

    Examples
    --------
    >>> plan_schema()["title"]
    'Plan'
    """
    return Plan.model_json_schema()


def _product_problems(plan: Plan, place: str) -> list[Problem]:
    problems: list[Problem] = []
    known: set[str] = set()
    for index, session in enumerate(plan.sessions):
        names = [(f"sessions[{index}].diluent", session.diluent)]
        names += [
            (f"sessions[{index}].injections[{number}].product", site.product)
            for number, site in enumerate(session.injections)
        ]
        for where, name in names:
            if name in known:
                continue
            try:
                load_product(name, f"{place}: {where}")
            except InputError as error:
                problems.extend(error.problems)
            known.add(name)
    return problems
