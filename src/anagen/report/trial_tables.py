"""Tables of a trial report in the words and digits of a page."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from anagen.report.trial_words import (
    Shown,
    chance_words,
    count,
    decimals_of,
    figure,
    grouped,
    interval,
    money,
)
from anagen.trials.baseline import COUNT, MEAN
from anagen.trials.flow import ALL
from anagen.trials.protocol import Protocol

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, Any]


def arm_names(protocol: Protocol) -> dict[str, str]:
    """Names of the arms by key, and of all of them together."""
    return {**{arm.key: arm.name for arm in protocol.arms}, ALL: "All"}


def baseline_table(protocol: Protocol, table: "pd.DataFrame") -> Shown:
    """Describe people at the start, a column an arm."""
    names = arm_names(protocol)
    arms = [arm for arm in names if arm in set(table["arm"])]
    rows = []
    groups = table.groupby(["characteristic", "level"], sort=False)
    for (characteristic, level), own in groups:
        first = own.iloc[0]
        unit = f", {first['unit']}" if first["unit"] else ""
        name = f"{characteristic}: {str(level).capitalize()}" if level else str(characteristic)
        cells = {row["arm"]: _described(row) for row in own.to_dict("records")}
        rows.append((f"{name}{unit}, {first['statistic']}", *(cells.get(arm, "") for arm in arms)))
    n = {row["arm"]: count(row["n"]) for row in table.to_dict("records")}
    heads = ("", *(f"{names[arm]} (n = {n[arm]})" for arm in arms))
    note = _pooled(int(table.attrs.get("replicates", 1)))
    return Shown("Baseline characteristics", ("Characteristic", *heads[1:]), tuple(rows), note=note)


def _described(row: Row) -> str:
    if row["statistic"] == COUNT:
        return f"{count(row['count'])} ({figure(row['percent'])})"
    if row["statistic"] == MEAN:
        return f"{figure(row['mean'])} ({figure(row['sd'])})"
    numbers = [row[name] for name in ("median", "q1", "q3")]
    digits = 0 if row["characteristic"] == "Patches" else 1
    median, low, high = (figure(number, digits) for number in numbers)
    return f"{median} [{low} to {high}]"


def _pooled(replicates: int) -> str:
    if replicates <= 1:
        return ""
    return f"All {replicates:,} replicates of the trial together."


def retention_table(protocol: Protocol, table: "pd.DataFrame") -> Shown:
    """Who was seen at each visit, below each arm."""
    parts = {
        arm.name: [
            (f"Week {row['week']:g}",
             *(count(row[name]) for name in ("randomised", "seen", "missed", "left", "failed")),
             figure(100.0 * row["seen"] / row["randomised"] if row["randomised"] else None))
            for row in table[table["arm"] == arm.key].to_dict("records")
        ]
        for arm in protocol.arms
    }  # fmt: skip
    heads = ("Visit", "Randomised", "Seen", "Missed", "Had left", "Not followed", "Seen, %")
    return grouped("Who was seen at each visit", heads, parts, folded=True)


def endpoint_table(protocol: Protocol, table: "pd.DataFrame", caption: str) -> Shown:
    """Estimates of every endpoint with their intervals, a column an arm."""
    rows = []
    for words, own in table.groupby("words", sort=False):
        found = {row["arm"]: row for row in own.to_dict("records")}
        unit = own["unit"].iloc[0]
        rows.append((
            f"{words}{', ' + unit if unit else ''}",
            *(_estimate(found.get(arm.key)) for arm in protocol.arms),
        ))  # fmt: skip
    heads = ("Endpoint", *(arm.name for arm in protocol.arms))
    return Shown(f"{caption}, with 95 % intervals", heads, tuple(rows))


def _estimate(row: Row | None) -> str:
    if row is None:
        return "–"
    words = interval(row["estimate"], row["low"], row["high"], decimals_of(row["unit"]))
    return f"{words}, n = {count(row['n'])}"


def comparison_table(protocol: Protocol, table: "pd.DataFrame", caption: str) -> Shown:
    """Differences between arms with intervals, p-values, and how they were computed."""
    parts: dict[str, list[tuple[str, ...]]] = {}
    names = arm_names(protocol)
    for row in table.to_dict("records"):
        unit = f", {row['unit']}" if row["unit"] else ""
        ratio = f"; ratio: {row['ratio_of']}" if row["ratio_of"] else ""
        parts.setdefault(f"{row['words']}{unit}{ratio}", []).append((
            names[row["arm"]],
            interval(row["difference"], row["low"], row["high"], decimals_of(row["unit"])),
            interval(row["ratio"], row["ratio_low"], row["ratio_high"], 2),
            chance_words(row["p"]),
        ))  # fmt: skip
    against = names[table["against"].iloc[0]] if len(table) else ""
    methods = dict.fromkeys(row["method"] for row in table.to_dict("records"))
    note = " ".join(f"{method[:1].upper()}{method[1:]}." for method in methods if method)
    heads: tuple[str, ...] = ("Arm", "Difference (95 % interval)", "Ratio (95 % interval)", "p")
    if not any(row["ratio_of"] for row in table.to_dict("records")):
        heads = (*heads[:2], heads[3])
        parts = {name: [(*row[:2], row[3]) for row in rows] for name, rows in parts.items()}
    return grouped(f"{caption}, each arm against: {against}", heads, parts, note=note)


def across_table(
    protocol: Protocol, table: "pd.DataFrame", caption: str, *, folded: bool = False
) -> Shown:
    """Tell what single trials of this size would find."""
    parts: dict[str, list[tuple[str, ...]]] = {}
    names = arm_names(protocol)
    for row in table.to_dict("records"):
        digits = decimals_of(row["unit"])
        parts.setdefault(f"{row['words']}{', ' + row['unit'] if row['unit'] else ''}", []).append((
            names[row["arm"]], figure(row["mean"], digits),
            f"{figure(row['low'], digits)} to {figure(row['high'], digits)}",
            interval(row["power"], row["power_low"], row["power_high"]),
        ))  # fmt: skip
    against = names[table["against"].iloc[0]] if len(table) else ""
    heads = ("Arm", "Mean difference", "95 % of trials", "Trials with p < 0.05, % (95 % interval)")
    return grouped(f"{caption}, each arm against: {against}", heads, parts, folded=folded)


def responder_table(protocol: Protocol, table: "pd.DataFrame") -> Shown:
    """Responders at every visit after the first, below each arm and threshold."""
    parts: dict[str, list[tuple[str, ...]]] = {}
    names = arm_names(protocol)
    for row in table[table["week"] > 0].to_dict("records"):
        name = f"{names[row['arm']]}, regrowth of at least {row['threshold']:g} %"
        parts.setdefault(name, []).append((
            f"Week {row['week']:g}", f"{count(row['count'])} of {count(row['n'])}",
            interval(row["percent"], row["low"], row["high"]), figure(row["percent_seen"]),
            figure(row["percent_true"]),
        ))  # fmt: skip
    heads = ("Visit", "Responders", "% of all (95 % interval)", "% of those seen", "% in truth")
    return grouped("Responders by visit", heads, parts, folded=True)


def at_risk_table(
    protocol: Protocol, table: "pd.DataFrame", weeks: Sequence[float], caption: str
) -> Shown:
    """How many were still at risk at some weeks, a column a week."""
    names = arm_names(protocol)
    rows = []
    for arm in protocol.arms:
        own = table[table["arm"] == arm.key].sort_values("week")
        cells = []
        for week in weeks:
            later = own[own["week"] >= week - 1e-9]
            cells.append(count(later["at_risk"].iloc[0]) if len(later) else "0")
        rows.append((names[arm.key], *cells))
    heads = ("Arm", *(f"Week {week:g}" for week in weeks))
    return Shown(caption, heads, tuple(rows))


def dose_table(protocol: Protocol, table: "pd.DataFrame", words: Mapping[str, str]) -> Shown:
    """Effect and atrophy of every arm, by the milligrams given."""
    names = arm_names(protocol)
    unit = str(table["unit"].iloc[0]) if len(table) else ""
    rows = tuple(
        (names[row["arm"]], figure(row["mg"]), figure(row["sessions"]),
         interval(row["effect"], row["effect_low"], row["effect_high"], decimals_of(unit)),
         interval(row["atrophy_seen"], row["atrophy_seen_low"], row["atrophy_seen_high"]),
         interval(row["thinning"], row["thinning_low"], row["thinning_high"]))
        for row in table.to_dict("records")
    )  # fmt: skip
    heads = ("Arm", f"mg {words['each']}", "Sessions", words["effect"],
             words["atrophy"], words["thinning"])  # fmt: skip
    return Shown("Effect beside atrophy, by dose", heads, rows)


def harm_table(protocol: Protocol, table: "pd.DataFrame") -> Shown:
    """Harms at every visit after the first, below each arm."""
    parts: dict[str, list[tuple[str, ...]]] = {}
    names = arm_names(protocol)
    for (arm, week), own in table[table["week"] > 0].groupby(["arm", "week"], sort=False):
        found = {row["harm"]: row for row in own.to_dict("records")}
        thin, seen, back = found["thinning"], found["atrophy seen"], found["relapse"]
        parts.setdefault(names[arm], []).append((
            f"Week {week:g}", interval(thin["percent"], thin["low"], thin["high"]),
            f"{count(seen['count'])} of {count(seen['n'])}",
            interval(seen["percent"], seen["low"], seen["high"]),
            f"{count(back['count'])} of {count(back['n'])}",
            interval(back["percent"], back["low"], back["high"]),
        ))  # fmt: skip
    heads = ("Visit", "Loss of dermal thickness, %", "Atrophy seen", "%",
             "Relapse, of those who had responded", "%")  # fmt: skip
    return grouped("Harms by visit, with 95 % intervals", heads, parts, folded=True)


def given_table(protocol: Protocol, table: "pd.DataFrame", each: str) -> Shown:
    """Sessions, injections and milligrams, a row an arm."""
    names = arm_names(protocol)
    rows = []
    for arm, own in table.groupby("arm", sort=False):
        found = {row["amount"]: row for row in own.to_dict("records")}
        cells = [count(found["mg"]["n"])]
        for name in ("sessions", "injections", "mg"):
            row = found[name]
            middle, low, high = (_short(row[key], name) for key in ("median", "q1", "q3"))
            cells += [f"{figure(row['mean'])} ({figure(row['sd'])})", f"{middle} [{low} to {high}]"]
        rows.append((names[arm], *cells))
    heads = ("Arm", "n", "Sessions, mean (SD)", "Sessions, median [IQR]",
             "Injections, mean (SD)", "Injections, median [IQR]", "mg, mean (SD)",
             "mg, median [IQR]")  # fmt: skip
    return Shown(f"Sessions, injections and steroid {each}", heads, tuple(rows))


def _short(value: float, name: str) -> str:
    """Write a median; sessions and injections whole where they are."""
    return figure(value, 1) if name == "mg" else count(value)


def cost_table(protocol: Protocol, table: "pd.DataFrame") -> Shown | None:
    """Cost of a person, by arm; None without prices."""
    if table.empty:
        return None
    names = arm_names(protocol)
    first = table.iloc[0]
    rows = tuple(
        (names[row["arm"]], count(row["people"]), money(row["sessions"]), money(row["visits"]),
         money(row["drug"]), f"{money(row['total'])} ({money(row['total_sd'], row['total'])})",
         money(row["total_median"]))
        for row in table.to_dict("records")
    )  # fmt: skip
    heads = ("Arm", "People", "Sessions", "Visits", "Drug", "Total, mean (SD)", "Total, median")
    caption = f"Cost of a person in {first['currency']}, mean"
    return Shown(caption, heads, rows, note=f"Prices: {first['source']}.")


def published_table(protocol: Protocol, table: "pd.DataFrame") -> Shown | None:
    """Put published figures beside simulated ones; None where there are none."""
    if table.empty:
        return None
    names, rows = arm_names(protocol), []
    for row in table.to_dict("records"):
        number = figure(row["published_n"], 0)
        of = "" if number == "–" else f" (n = {number})"
        unit = f" {row['unit']}"
        rows.append((
            row["measure"], " + ".join(names[arm] for arm in row["arms"].split(", ")),
            interval(row["published"], row["published_low"], row["published_high"]) + unit + of,
            figure(row["simulated"]) + unit,
            _between(row["predicted_low"], row["predicted_high"]), _verdict(row), row["source"],
        ))  # fmt: skip
    heads = ("Measure", "Arm", "Published (95 % interval)", "Simulated",
             "95 % of such studies", "Published inside", "Source")  # fmt: skip
    return Shown("Published beside simulated", heads, tuple(rows), words=2)


def _between(low: Any, high: Any) -> str:
    return "–" if figure(low) == "–" else f"{figure(low)} to {figure(high)}"


def _verdict(row: Row) -> str:
    if not isinstance(row["inside"], bool):
        return "not judged"
    words = "yes" if row["inside"] else "no"
    return f"{words}, calibrated to it" if row["calibrated"] else words


def spill_table(protocol: Protocol, table: "pd.DataFrame") -> Shown | None:
    """Tell what neighbours do to quadrants; None where there is nothing to show."""
    if table.empty:
        return None
    names = arm_names(protocol)
    parts: dict[str, list[tuple[str, ...]]] = {}
    for row in table.to_dict("records"):
        less = f", less {names[row['against']]}" if row["against"] else ""
        parts.setdefault(row["measure"], []).append((
            names[row["arm"]] + less, count(row["n"]), figure(row["together"], 2),
            figure(row["alone"], 2), interval(row["bias"], row["low"], row["high"], 2),
        ))  # fmt: skip
    heads = ("Arm", "Pairs", "Side by side", "Alone", "Bias (95 % interval)")
    return grouped("Quadrants side by side, and the same alone", heads, parts)
