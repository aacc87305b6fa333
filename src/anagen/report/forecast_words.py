"""What the pages of a forecast say, in sentences and table cells: numbers only with interval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from anagen.report.content import day_words
from anagen.report.forecast_figures import (
    UNTREATED_PLAN,
    Range,
    chance,
    greatest_chance,
    last_week,
    lowest,
    patch_names,
    plain,
    plan_names,
    range_words,
    spread,
    thresholds,
    week_of,
    weeks_shown,
)

if TYPE_CHECKING:
    import xarray as xr

    from anagen.forecast.gates import Chance
    from anagen.treatment import Plan

MARK_WEEK = 24
"""Week of which summaries speak, when the forecast reaches it."""

MOST_BACK = 0.75
"""Regrowth that plain words call most of the hair [1]."""

SKIN_HARMS = {
    "atrophy_chance": "visible thinning of the skin (atrophy)",
    "telangiectasia_chance": "fine red vessels",
    "colour_chance": "change of colour",
}


@dataclass(frozen=True)
class Row:
    """One line of a table: its head and its cells, in words.

    Parameters
    ----------
    head : what the line is about; plan : the plan, empty where the table has but one.
    cells : figures with interval; a dash where there is none.
    group : number of the plan, where lines are grouped.
    """

    head: str
    plan: str
    cells: tuple[str, ...]
    group: int = 0


def plan_title(name: str) -> str:
    """How a plan is called on the page."""
    return "no more injections" if name == UNTREATED_PLAN else name


def summary(data: "xr.Dataset", plan: str) -> list[str]:
    """Say what to expect of one plan against no treatment, in sentences.

    Parameters
    ----------
    data : dataset of a forecast.
    plan : name of the plan; ``untreated`` alone is compared with nothing.
    """
    week = week_of(data, MARK_WEEK)
    idle = plan != UNTREATED_PLAN
    sentences = []

    def against(words: str) -> str:
        return f"; with no more injections {words}" if idle else ""

    grown = {name: spread(data, "scalp_regrowth", plan=name, week=week)
             for name in (plan, UNTREATED_PLAN)}  # fmt: skip
    if (mine := grown[plan]) is not None and (other := grown[UNTREATED_PLAN]) is not None:
        sentences.append(f"By week {week}, {range_words(mine)} of the bald area is covered again"
                         f"{against(range_words(other))}.")  # fmt: skip
    reach = {name: chance(data, "scalp_chance", plan=name, week=week, threshold=MOST_BACK)
             for name in (plan, UNTREATED_PLAN)}  # fmt: skip
    if (mine := reach[plan]) is not None and (other := reach[UNTREATED_PLAN]) is not None:
        sentences.append(f"Chance that at least {100 * MOST_BACK:.0f} % is covered by then: "
                         f"{range_words(mine)}{against(range_words(other))}.")  # fmt: skip
    before = spread(data, "salt", plan=plan, week=0)
    after = spread(data, "salt", plan=plan, week=week)
    if before is not None and after is not None:
        sentences.append(f"SALT goes from {range_words(before, percent=False)} to "
                         f"{range_words(after, percent=False)}.")  # fmt: skip
    return sentences + (_treated_sentences(data, plan) if idle else [])


def _treated_sentences(data: "xr.Dataset", plan: str) -> list[str]:
    sentences = [f"First new hair in patch {patch}: {words}."
                 for patch in patch_names(data)[:2]
                 if (words := first_hair_words(data, plan, patch))]  # fmt: skip
    worst = worst_harm(data, "atrophy_chance", plan)
    if worst is not None:
        patch, _, found = worst
        sentences.append(f"Chance of visible thinning of the skin: {range_words(found)} "
                         f"in patch {patch}, the worst.")  # fmt: skip
    relapse = chance(data, "relapse_chance", plan=plan, week=last_week(data))
    if relapse is not None:
        sentences.append(f"Chance of losing hair again after the last session, by week "
                         f"{last_week(data)}: {range_words(relapse)}.")  # fmt: skip
    return sentences


def worst_harm(data: "xr.Dataset", variable: str, plan: str) -> tuple[str, int, Range] | None:
    """Patch, week and figure of the greatest chance of a harm; None when there is none."""
    found = [(patch, *top) for patch in patch_names(data)
             if (top := greatest_chance(data, variable, plan, patch)) is not None]  # fmt: skip
    return max(found, key=lambda entry: entry[2].middle) if found else None


def first_hair(data: "xr.Dataset", plan: str, patch: str) -> Range | None:
    """Week of the first visible gain, 95 % interval; infinite where the forecast ends before.

    None when it will hardly come while the forecast lasts.
    """
    if "first_hair_week" not in data:
        return None
    along = data["first_hair_week"].sel(plan=plan, patch=patch)
    values = [float(along.sel(quantile=q, method="nearest")) for q in (0.5, 0.025, 0.975)]
    if not np.isfinite(values[1]):
        return None
    return Range(*(value if np.isfinite(value) else np.inf for value in values))


def first_hair_words(data: "xr.Dataset", plan: str, patch: str) -> str:
    """Week of the first visible hair with its 95 % interval; empty when it is not known."""
    found = first_hair(data, plan, patch)
    if found is None:
        return ""
    if found.middle <= 0.0:
        return "already visible"
    late = f"after week {last_week(data)}"
    middle, high = (late if np.isinf(value) else f"{value:.0f}"
                    for value in (found.middle, found.high))  # fmt: skip
    head = middle if middle == late else f"week {middle}"
    return f"{head} ({found.low:.0f} to {high})"


def number_heads(data: "xr.Dataset") -> list[str]:
    """Headings of the columns of `number_rows`."""
    reach = [f"chance of {100 * value:.0f} %" for value in thresholds(data)]
    return ["cover, % of normal", "hairs per cm²", "calibre, µm", "terminal share", "bald, cm²",
            "skin thinned by", *reach]  # fmt: skip


def number_rows(data: "xr.Dataset", patch: str) -> list[Row]:
    """Lines of the table of one patch: every plan at the weeks usually looked at."""
    rows = []
    for group, plan in enumerate((*plan_names(data), UNTREATED_PLAN)):
        for week in weeks_shown(data):
            place = {"plan": plan, "week": week, "patch": patch}
            cells = [
                *_cells(data, ("patch_cover",), place, percent=True),
                *_cells(data, ("patch_density", "patch_calibre"), place, percent=False),
                *_cells(data, ("patch_terminal_share",), place, percent=True),
                *_cells(data, ("patch_area",), place, percent=False),
                *_cells(data, ("patch_thinning",), place, percent=True),
            ]
            for threshold in thresholds(data):
                found = chance(data, "patch_chance", plan=plan, week=week, patch=patch,
                               threshold=float(threshold))  # fmt: skip
                cells.append("–" if found is None else range_words(found))
            rows.append(Row(f"{week}", plan_title(plan), tuple(cells), group))
    return rows


def _cells(
    data: "xr.Dataset", names: Sequence[str], place: Mapping[str, Any], *, percent: bool
) -> list[str]:
    found = [spread(data, name, **place) for name in names]
    return ["–" if one is None else range_words(one, percent=percent) for one in found]


def harm_rows(data: "xr.Dataset") -> list[Row]:
    """Greatest chance of each harm to the skin, by plan and patch."""
    rows = []
    for plan in plan_names(data):
        for patch in patch_names(data):
            tops = [greatest_chance(data, name, plan, patch) for name in SKIN_HARMS]
            cells = tuple("–" if top is None else range_words(top[1]) for top in tops)
            rows.append(Row(patch, plan_title(plan), cells))
    return rows


def body_rows(data: "xr.Dataset") -> list[Row]:
    """Cortisol, pain, relapse and steroid of every plan."""
    rows = []
    for plan in plan_names(data):
        dip = lowest(data, "cortisol_morning", plan)
        pain = spread(data, "pain", plan=plan)
        relapse = chance(data, "relapse_chance", plan=plan, week=last_week(data))
        cells = (
            "–" if dip is None else f"{range_words(dip[1])}, week {dip[0]}",
            "–" if pain is None else range_words(pain, percent=False, digits=2),
            "–" if relapse is None else range_words(relapse),
        )
        rows.append(Row(plan_title(plan), "", cells))
    return rows


def ledger_rows(data: "xr.Dataset") -> list[Row]:
    """Sessions, sites, volume and steroid of every plan, and the sum with everything before."""
    names = ("planned_sessions", "planned_sites", "planned_mL", "planned_mg")
    rows = []
    for plan in plan_names(data):
        cells = [plain(float(data[name].sel(plan=plan))) if name in data else "–" for name in names]
        total = float(data["cumulative_mg"].sel(plan=plan)[-1]) if "cumulative_mg" in data else None
        cells.append("–" if total is None or not np.isfinite(total) else plain(total))
        rows.append(Row(plan_title(plan), "", tuple("–" if c == "nan" else c for c in cells)))
    return rows


def different_chances(chances: "Sequence[Chance]") -> "list[Chance]":
    """Chances by plan, without that of no treatment where a plan without sessions says the same."""
    others = [one for one in chances if one.plan != UNTREATED_PLAN]
    idle = [one for one in chances if one.plan == UNTREATED_PLAN]
    same = any((one.chance, one.low) == (two.chance, two.low) for one in idle for two in others)
    return others if same else [*others, *idle]


def short(words: str) -> str:
    """Figure in few characters, for a table.

    Examples
    --------
    >>> short("over 99 % (96–100)").split()
    ['>99', '%', '(96–100)']
    """
    return words.replace("under ", "<").replace("over ", ">")


def hundred(share: float) -> str:
    """Share [1] as people of 100, in plain words.

    Examples
    --------
    >>> hundred(0.352), hundred(0.001), hundred(0.999)
    ('about 35', 'fewer than 1', 'nearly all')
    """
    count = 100.0 * share
    if count < 1.0:
        return "none" if count == 0.0 else "fewer than 1"
    return "nearly all" if count > 99.0 else f"about {count:.0f}"


def between(found: Range) -> str:
    """Interval of a share as whole people of 100, in plain words.

    Examples
    --------
    >>> between(Range(0.35, 0.231, 0.498))
    'between 23 and 50'
    """
    low, high = round(100 * found.low), round(100 * found.high)
    return f"between {low} and {high}" if high > low else f"close to {low}"


def session_words(plan: "Plan | None") -> str:
    """Days of the sessions of a plan, for the patient; empty when there is none."""
    days = [day_words(session.date) for session in plan.sessions] if plan is not None else []
    if len(days) < 2:
        return days[0] if days else ""
    return ", ".join(days[:-1]) + f" and {days[-1]}"


def check_words(data: "xr.Dataset") -> str:
    """How well the model fits the visits of this person, in a sentence."""
    p_value = float(data.attrs.get("check_p", np.nan))
    effective = float(data.attrs.get("effective", np.nan))
    parts = []
    if np.isfinite(p_value):
        parts.append(f"check of the visits p = {p_value:.2g}, the share of records made up for "
                     "such a person that look as odd to the model")  # fmt: skip
    if np.isfinite(effective):
        parts.append(f"the forecast rests on {effective:.0f} effective virtual people")
    return "; ".join(parts)
