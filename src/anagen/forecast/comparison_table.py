"""The table that plans are compared by: read from a forecast, checked, joined to candidates."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from anagen.errors import InputError, Problem
from anagen.forecast.candidates import Candidate
from anagen.forecast.choices import CRITERIA, Criterion
from anagen.forecast.designs import STOP

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

COLUMNS = (
    "regrowth", "regrowth_low", "regrowth_high", "chance_75", "atrophy", "atrophy_low",
    "atrophy_high", "mg", "pain", "pain_sessions", "visits", "relapse",
)  # fmt: skip
_UNTREATED = "untreated"
_INTERVAL = (0.1, 0.5, 0.9)


class Forecasted(Protocol):
    """What is read of a forecast."""

    @property
    def dataset(self) -> "xr.Dataset":
        """Variables by plan, patch and week."""


def forecast_table(forecast: "Forecasted | pd.DataFrame") -> "pd.DataFrame":
    """Figures of each plan at the end of a forecast, indexed by name; a table stays as it is.

    Regrowth and pain are medians; atrophy is that of the worst patch.
    """
    import pandas as pd

    if isinstance(forecast, pd.DataFrame):
        return forecast
    end = forecast.dataset.isel(week=-1)
    low, middle, high = (end["scalp_regrowth"].sel(quantile=q, method="nearest") for q in _INTERVAL)
    sessions = end["planned_sessions"]
    pain = end["pain"].sel(quantile=_INTERVAL[1], method="nearest").where(sessions > 0, 0.0)
    columns = {
        "regrowth": middle,
        "regrowth_low": low,
        "regrowth_high": high,
        "chance_75": end["scalp_chance"].sel(threshold=0.75, method="nearest"),
        "atrophy": end["atrophy_chance"].max("patch"),
        "atrophy_low": end["atrophy_chance_low"].max("patch"),
        "atrophy_high": end["atrophy_chance_high"].max("patch"),
        "mg": end["planned_mg"],
        "pain": pain,
        "pain_sessions": pain * sessions,
        "visits": sessions,
        "relapse": end["relapse_chance"],
    }
    index = [str(name) for name in end["plan"].values]
    return pd.DataFrame({name: row.to_numpy() for name, row in columns.items()}, index=index)


def candidate_rows(table: "pd.DataFrame", candidates: Sequence[Candidate]) -> "pd.DataFrame":
    """Make a row for each candidate: what is forecast, its kind, and why it is blocked."""
    rows = _with_stop(table).reindex([candidate.name for candidate in candidates])
    rows = rows[list(COLUMNS)].astype(float)
    for name in ("pain", "pain_sessions"):
        rows[name] = rows[name].mask(rows["visits"] == 0, 0.0)
    rows["kind"] = [candidate.kind for candidate in candidates]
    rows["blocked"] = [candidate.blocked for candidate in candidates]
    rows["reason"] = [block_reason(candidate) for candidate in candidates]
    return rows


def block_reason(candidate: Candidate) -> str:
    """Which rules block a candidate and what would lift that; empty when none does."""
    blocks = [f for f in candidate.findings if f.severity == "block" and f.overridden_by is None]
    return " ".join(dict.fromkeys(f"{f.message} {f.remedy}".strip() for f in blocks))


def scaled_weights(preference: Mapping[str, float]) -> dict[Criterion, float]:
    """Weights of all criteria scaled to sum 1; those left out count nothing.

    Examples
    --------
    >>> scaled_weights({"regrowth": 3, "pain": 1})["regrowth"]
    0.75
    """
    total = math.fsum(preference.values())
    return {name: preference.get(name, 0.0) / total for name in CRITERIA}


def check_comparison(
    table: "pd.DataFrame", candidates: Sequence[Candidate], preference: Mapping[str, float] | None
) -> None:
    """Refuse a comparison that cannot be meant.

    Raises
    ------
    InputError
        Every problem with the candidates, the table and the weights.
    """
    problems = [
        *_candidate_problems(candidates),
        *_table_problems(table, candidates),
        *_weight_problems(preference),
    ]
    if problems:
        raise InputError(problems)


def _with_stop(table: "pd.DataFrame") -> "pd.DataFrame":
    """Table in which no further session, however it is called, has the name of the candidate."""
    if STOP in table.index or _UNTREATED not in table.index:
        return table
    return table.rename(index={_UNTREATED: STOP})


def _candidate_problems(candidates: Sequence[Candidate]) -> list[Problem]:
    if not candidates:
        remedy = "Make them with candidate_plans, or give the plans to compare."
        return [Problem("candidates", "at least one plan", "none", remedy)]
    names = [candidate.name for candidate in candidates]
    problems = [
        Problem("candidates", "each name once", f"{names.count(name)} plans named {name!r}",
                "Rename all but one.") for name in _twice(names)
    ]  # fmt: skip
    if all(candidate.blocked for candidate in candidates):
        reasons = dict.fromkeys(block_reason(candidate) for candidate in candidates)
        rules = dict.fromkeys(
            f.rule for candidate in candidates for f in candidate.findings if f.severity == "block"
        )
        problems.append(
            Problem("candidates", "at least one plan that no rule blocks",
                    f"all {len(candidates)} blocked by {', '.join(rules)}", " ".join(reasons))
        )  # fmt: skip
    return problems


def _table_problems(table: "pd.DataFrame", candidates: Sequence[Candidate]) -> list[Problem]:
    missing = [name for name in COLUMNS if name not in table.columns]
    twice = _twice([str(name) for name in table.index])
    if missing or twice:
        return [
            *(Problem("table", f"a column {name!r}", "none", "Add it.") for name in missing),
            *(Problem("table", "one row a plan", f"several of {name!r}", "Keep one.")
              for name in twice),
        ]  # fmt: skip
    rows = _with_stop(table)
    names = [candidate.name for candidate in candidates]
    unknown = [name for name in rows.index if name not in {*names, _UNTREATED, STOP}]
    problems = [
        Problem(f"table[{name!r}]", "a candidate's name", "no such candidate",
                "Give the candidates that the forecast was made for.") for name in unknown
    ]  # fmt: skip
    for candidate in candidates:
        if candidate.blocked or names.count(candidate.name) > 1:
            continue
        if candidate.name not in rows.index:
            problems.append(Problem(f"table[{candidate.name!r}]", "a forecast of this plan", "none",
                                    "Forecast it, or leave it out."))  # fmt: skip
        else:
            problems += _number_problems(candidate.name, rows.loc[candidate.name])
    return problems


def _number_problems(name: str, row: "pd.Series") -> list[Problem]:
    free = {"pain"} if row["visits"] == 0 else set()
    return [
        Problem(f"table[{name!r}].{column}", "a number", f"{row[column]}",
                "A forecast that failed its check gives no number; do not compare by it.")
        for column in CRITERIA if column not in free and not math.isfinite(float(row[column]))
    ]  # fmt: skip


def _weight_problems(preference: Mapping[str, float] | None) -> list[Problem]:
    if preference is None:
        return []
    names, problems = ", ".join(CRITERIA), []
    for name, weight in preference.items():
        place = f"preference[{name!r}]"
        number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if name not in CRITERIA:
            problems.append(Problem(place, f"one of {names}", repr(name), "Correct the name."))
        if not number or not math.isfinite(weight) or weight < 0:
            problems.append(Problem(place, "a weight of 0 or more", repr(weight), "Correct it."))
    if not problems and not math.fsum(preference.values()) > 0:
        problems.append(Problem("preference", f"a weight above 0 for one of {names}", "none",
                                "Say what counts, or leave the preference out."))  # fmt: skip
    return problems


def _twice(names: Iterable[str]) -> list[str]:
    seen = list(names)
    return sorted({name for name in seen if seen.count(name) > 1})
