"""Figures that a person's own forecast gives to a leaflet, a letter and a consent form."""

from collections.abc import Mapping
from typing import Any

UNTREATED = "untreated"
MOST_BACK = "75"
"""Regrowth that plain words call most of the hair [%]: three quarters, as on the forecast page."""

MARK_WEEK = 24
_WEEKS = (12, 24, 52)

Chance = dict[str, float]


def first_plan(forecast: Mapping[str, Any] | None) -> str:
    """Name of the plan that a forecast speaks of; empty without one or when it is withheld."""
    plans = {} if forecast is None else forecast.get("plans", {})
    return next((name for name in plans if name != UNTREATED), "")


def _weeks(forecast: Mapping[str, Any], plan: str) -> dict[int, Mapping[str, Any]]:
    return {int(row["week"]): row for row in forecast["plans"][plan]["weeks"]}


def chance_rows(forecast: Mapping[str, Any] | None) -> list[tuple[int, Chance, Chance]]:
    """Week, chance [1] that most is back with the plan, and without, at the weeks looked at."""
    plan = first_plan(forecast)
    if forecast is None or not plan or UNTREATED not in forecast["plans"]:
        return []
    mine, idle = _weeks(forecast, plan), _weeks(forecast, UNTREATED)
    last = max(mine)
    found = []
    for week in [*(week for week in _WEEKS if week < last), last]:
        pair = [table.get(week, {}).get("chance", {}).get(MOST_BACK) for table in (mine, idle)]
        if all(pair):
            found.append((week, dict(pair[0]), dict(pair[1])))
    return found


def people_of(forecast: Mapping[str, Any] | None) -> dict[str, Any]:
    """Count what becomes of 100 people by the week usually looked at; empty without a forecast."""
    from anagen.report.forecast_figures import whole_people

    plan = first_plan(forecast)
    if forecast is None or not plan:
        return {}
    table = _weeks(forecast, plan)
    week = MARK_WEEK if MARK_WEEK in table else max(table)
    shares = {name: row.get(MOST_BACK) for name, row in table[week].get("regrown", {}).items()}
    names = ("either", "only_treated", "only_untreated")
    if not all(shares.get(name) for name in (*names, UNTREATED)):
        return {}
    parts = [shares[name]["value"] for name in names]
    either, added, lost, neither = whole_people([*parts, max(0.0, 1.0 - sum(parts))])
    return {"week": week, "either": either, "added": added, "lost": lost, "neither": neither,
            "shares": shares}  # fmt: skip


def worst_harms(forecast: Mapping[str, Any] | None) -> dict[str, Chance]:
    """Greatest chance of each harm to the skin over the patches, by name."""
    plan = first_plan(forecast)
    if forecast is None or not plan:
        return {}
    worst: dict[str, Chance] = {}
    for harms in forecast["plans"][plan]["harms"].values():
        for name, found in harms.items():
            if found and found["value"] > worst.get(name, {"value": -1.0})["value"]:
                worst[name] = dict(found)
    return worst


def model_words(forecast: Mapping[str, Any] | None) -> dict[str, str]:
    """Which version of the software and of its knowledge made a forecast."""
    made = forecast or {}
    return {"version": str(made.get("model_version", "")),
            "posterior": str(made.get("posterior_version", ""))}  # fmt: skip


def of_plan(forecast: Mapping[str, Any] | None, name: str) -> Chance | None:
    """One figure of the plan, such as ``relapse`` or ``pain``; None where there is none."""
    plan = first_plan(forecast)
    if forecast is None or not plan:
        return None
    found = forecast["plans"][plan].get(name)
    return dict(found) if found else None
