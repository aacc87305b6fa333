"""What each section of a trial report shows: sentences, figures and tables."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from anagen.report import trial_charts as charts
from anagen.report import trial_tables as tables
from anagen.report.plan_picture import Drawing
from anagen.report.trial_charts import ArmStyle, Bar
from anagen.report.trial_words import chance_words, count, decimals_of, figure, interval, listed
from anagen.trials.flow import ALL, REASONS, primary_endpoint, unit_words
from anagen.trials.protocol import Protocol

if TYPE_CHECKING:
    import pandas as pd

    from anagen.trials.trial_summary import TrialSummary

Styles = Mapping[str, ArmStyle]
Facts = dict[str, Any]

_MOST_HISTOGRAMS = 6
_FEW_TRIALS = 20  # of fewer a histogram says nothing
_AT_RISK = 8  # columns of a table of numbers at risk
_WIDE = 60.0  # percentage points, from which an interval says little, as in the page of claims
_FEW_AT_RISK = 0.05  # share still at risk below which a curve is no longer drawn


def result(summary: "TrialSummary", styles: Styles) -> Facts:
    """Sentence, forest and tables of the primary endpoint."""
    protocol = summary.protocol
    ends = _primary(summary.endpoints)
    differences = _primary(summary.comparisons)
    return {
        "sentence": _sentence(protocol, ends, differences),
        "meaning": _meaning(summary),
        "forest": _forest(protocol, differences, styles),
        "arms": tables.endpoint_table(protocol, ends, "Primary endpoint by arm"),
        "differences": tables.comparison_table(protocol, differences,
                                               "Differences in the primary endpoint"),
    }  # fmt: skip


def _primary(table: "pd.DataFrame") -> "pd.DataFrame":
    return table[table["primary"]] if len(table) else table


def _sentence(protocol: Protocol, ends: "pd.DataFrame", differences: "pd.DataFrame") -> str:
    if ends.empty:
        return "There is no result."
    first, names = ends.iloc[0], tables.arm_names(protocol)
    digits = decimals_of(first["unit"])
    each = [f"{figure(row['estimate'], digits)}{' ' + row['unit'] if row['unit'] else ''} "
            f"({names[row['arm']]})" for row in ends.to_dict("records")]  # fmt: skip
    text = f"{first['words']}: {listed(each)}."
    known = [row for row in differences.to_dict("records") if np.isfinite(row["difference"])]
    if len(known) == 1:
        row = known[0]
        text += (f" Difference {interval(row['difference'], row['low'], row['high'], digits)}"
                 f" {row['unit']}, p {_equals(row['p'])}.")  # fmt: skip
    return text


def _equals(p: float) -> str:
    words = chance_words(p)
    return words if words.startswith("<") else f"= {words}"


def _meaning(summary: "TrialSummary") -> str:
    protocol, replicates = summary.protocol, int(summary.about["replicates"])
    endpoint = primary_endpoint(protocol)
    words = ["What raters read, with their error and with missed visits, as a study sees it."]
    if endpoint.threshold is not None and endpoint.measure != "time_to_regrowth":
        words.append("Who was not seen counts as no responder.")
    if replicates > 1:
        words.append(
            f"All {replicates:,} replicates are taken together, so that intervals are narrower and "
            "p-values smaller than in a single trial, which the next section shows."
        )
    elif protocol.design == "within":
        words.append("Intervals of differences are of pairs within people.")
    return " ".join(words)


def _forest(protocol: Protocol, table: "pd.DataFrame", styles: Styles) -> Drawing | None:
    bars, names = [], tables.arm_names(protocol)
    known = [row for row in table.to_dict("records") if np.isfinite(row["difference"])]
    for row in known:
        digits = decimals_of(row["unit"])
        bars.append(Bar(_short(names[row["arm"]]),
                        interval(row["difference"], row["low"], row["high"], digits),
                        row["difference"], row["low"], row["high"],
                        styles[row["arm"]].colour))  # fmt: skip
    if not bars:
        return None
    first = known[0]
    against = names[first["against"]]
    better = ("other better", "this arm better")
    sides = better if first["better"] == "higher" else better[::-1]
    axis = f"difference, {first['unit']}" if first["unit"] else "difference"
    return charts.forest(bars, axis, key="forest", title=f"Each arm against: {against}",
                         sides=sides)  # fmt: skip


def _short(name: str, most: int = 34) -> str:
    return name if len(name) <= most else f"{name[: most - 1].rstrip()}…"


def replicates(summary: "TrialSummary", styles: Styles) -> Facts | None:
    """Tell what single trials would find; None for a single trial."""
    number = int(summary.about["replicates"])
    if number <= 1 or summary.across_replicates.empty:
        return None
    names = tables.arm_names(summary.protocol)
    drawn: list[Drawing] = []
    for (arm, against), own in summary.estimates.groupby(["arm", "against"], sort=False):
        values = own["difference"].to_numpy(float)
        if np.isfinite(values).sum() < _FEW_TRIALS or len(drawn) >= _MOST_HISTOGRAMS:
            continue
        unit = own["unit"].iloc[0]
        drawn.append(charts.histogram(
            values, f"difference, {unit}" if unit else "difference", key=f"spread-{len(drawn)}",
            title=f"{names[arm]}, against: {names[against]}", colour=styles[arm].colour,
        ))  # fmt: skip
    size, across = count(summary.about["people_per_replicate"]), summary.across_replicates
    words = (
        f"The trial was held {number:,} times with other people, {size} each. The spread of the "
        "differences is what a reader of one such trial cannot see. The share of trials with "
        "p < 0.05 is the power of the design where the arms differ."
    )
    if drawn:
        words += " In the figures the full line is the mean; the broken lines hold 95 % of trials."
    return {
        "words": words, "charts": drawn,
        "table": tables.across_table(summary.protocol, _primary(across),
                                      "What trials of this size find"),
        "others": tables.across_table(summary.protocol, across[~across["primary"]],
                                      "The same for the other endpoints", folded=True),
    }  # fmt: skip


def flow(summary: "TrialSummary", styles: Styles) -> Facts:
    """Flow of people, retention and baseline."""
    protocol, table = summary.protocol, summary.flow
    many = int(summary.about["replicates"]) > 1
    column = "per_trial" if many else "count"
    words = "Numbers of people" + (
        "" if protocol.design == "parallel" else f" and of {unit_words(protocol).lower()}"
    )
    words += f", mean of {summary.about['replicates']:,} trials." if many else "."
    whole = table[table["arm"] == ALL].to_dict("records")
    return {
        "words": words,
        "start": [{"label": row["label"] + _of(protocol, row), "count": count(row[column]),
                   "less": row["step"] in ("not eligible", "no arm")} for row in whole],
        "arms": [{"style": styles[arm.key], "lines": _lines(protocol, table, arm.key, column)}
                 for arm in protocol.arms],
        "retention": tables.retention_table(protocol, summary.retention),
        "baseline": tables.baseline_table(protocol, summary.baseline),
    }  # fmt: skip


def _of(protocol: Protocol, row: Mapping[str, Any]) -> str:
    plain = protocol.design == "parallel" or row["step"] in ("no arm",) or (
        row["of"] == "units" and row["arm"] == ALL)  # fmt: skip
    return "" if plain or row["of"] == "sessions" else ", people"


_SHOWN_IF_ANY = {"failed", "rescued", "gated", "stepped", "left", "missed visit", "sessions missed",
                 *(f"sessions not given: {key}" for key in REASONS)}  # fmt: skip
_SMALL = {"failed", "sessions missed", *(f"sessions not given: {key}" for key in REASONS), "left",
          "missed visit"}  # fmt: skip


def _lines(protocol: Protocol, table: "pd.DataFrame", arm: str, column: str) -> list[Facts]:
    of = "people" if protocol.design == "parallel" else "units"
    own = table[(table["arm"] == arm) & table["of"].isin((of, "sessions"))]
    # Injected or not, sessions stand between the start and the visit that counts.
    order = ["randomised", "failed", "first session", "sessions planned", "sessions given",
             "sessions missed", *(f"sessions not given: {key}" for key in REASONS), "gated",
             "stepped", "rescued", "left", "missed visit", "seen", "analysed"]  # fmt: skip
    rows = {row["step"]: row for row in own.to_dict("records")}
    planned = rows["sessions planned"]["count"] > 0
    lines = []
    for step in order:
        row = rows[step]
        none = not row["count"] and (step in _SHOWN_IF_ANY or not planned)
        if none and step not in ("seen", "analysed", "randomised"):
            continue
        lines.append({"label": row["label"], "count": count(row[column]), "less": step in _SMALL})
    return lines


def outcomes(summary: "TrialSummary", styles: Styles) -> Facts:
    """Endpoints, responder curves, survival."""
    protocol = summary.protocol
    return {
        "words": "Readings as a study sees them, means of the raters; 95 % intervals. Only the "
                 "primary endpoint judges the trial; p-values are not adjusted for many endpoints.",
        "endpoints": tables.endpoint_table(protocol, summary.endpoints, "Endpoints by arm"),
        "comparisons": tables.comparison_table(protocol, summary.comparisons,
                                               "Differences between arms"),
        "responders": _responder_charts(summary, styles),
        "responders_note": "Bands are 95 % intervals. In curves over time who was not seen counts "
                           "as no responder, so that they may fall as people leave; the "
                           "distribution is of those seen.",
        "responder_table": tables.responder_table(protocol, summary.responders),
        "survival": [_event(summary, styles, *one) for one in _events(summary)],
    }  # fmt: skip


def _responder_charts(summary: "TrialSummary", styles: Styles) -> list[Drawing]:
    drawn: list[Drawing] = []
    for threshold, own in summary.responders.groupby("threshold"):
        drawn.append(charts.curves(
            own, styles, ("week", "percent", "low", "high"), ("weeks from randomisation", "%"),
            key=f"responders-{len(drawn)}", title=f"Regrowth of at least {threshold:g} %, % of all",
        ))  # fmt: skip
    week = summary.distribution["week"].iloc[0]
    drawn.append(charts.curves(
        summary.distribution, styles, ("regrowth", "percent", "", ""),
        ("regrowth at least, %", "% of those seen"),
        key="distribution", title=f"How much had regrown at week {week:g}",
    ))  # fmt: skip
    return drawn


def _events(summary: "TrialSummary") -> list[tuple[str, float]]:
    table = summary.survival
    if table.empty:
        return []
    return [(str(event), float(threshold)) for event, threshold
            in table[["event", "threshold"]].drop_duplicates().itertuples(index=False)]  # fmt: skip


def _event(summary: "TrialSummary", styles: Styles, event: str, threshold: float) -> Facts:
    table = summary.survival
    own = table[(table["event"] == event) & (table["threshold"] == threshold)]
    if event == "regrowth":
        title = f"Time to regrowth of {threshold:g} %"
        words = ("Share in whom the regrowth had been read by a visit (Kaplan-Meier). Who left "
                 "before is censored at the last visit they came to.")  # fmt: skip
    else:
        title = "Time to relapse"
        words = ("Share of those who had responded in whom half of what had regrown was lost "
                 "again, or a new episode came, by the weeks since the last session, or since the "
                 "response if that was later (Kaplan-Meier). By what is true in the model, day by "
                 "day.")  # fmt: skip
    drawn = own
    if event == "relapse":  # the last days rest on the few who were seen latest
        many = own.groupby("arm")["at_risk"].transform("max")
        drawn = own[own["at_risk"] >= _FEW_AT_RISK * many]
    top = float(np.nan_to_num(drawn["high"].to_numpy(float)).max()) if len(drawn) else 0.0
    chart = charts.curves(drawn, styles, ("week", "percent", "low", "high"),
                          (str(own["axis"].iloc[0]), "%"), key=f"time-{event}-{threshold:g}",
                          title=f"{title}, %", steps=True,
                          ceiling=100.0 if top > 50.0 else max(1.15 * top, 5.0))  # fmt: skip
    last = float(drawn["week"].max()) if len(drawn) else 0.0
    caption = f"Number at risk: {title[:1].lower()}{title[1:]}"
    return {"title": title, "words": words, "chart": chart,
            "at_risk": tables.at_risk_table(summary.protocol, own, _week_ticks(last),
                                            caption)}  # fmt: skip


def _week_ticks(last: float) -> list[float]:
    """Weeks at which numbers at risk are told: whole steps that readers are used to."""
    step = next((step for step in (2, 4, 6, 8, 12, 26, 52) if last / step < _AT_RISK), 104)
    return [float(week) for week in range(0, int(last) + 1, step)]


def price(summary: "TrialSummary", styles: Styles) -> Facts:
    """Dose against effect and atrophy, harms, what was given, cost, spill-over."""
    protocol, dose = summary.protocol, summary.dose_response
    each = f"of each {unit_words(protocol, many=False).lower()}"
    effect = str(dose["effect_words"].iloc[0]) if len(dose) else ""
    week = float(dose["week"].iloc[0]) if len(dose) else 0.0
    unit = str(dose["unit"].iloc[0]) if len(dose) else ""
    named = f"{effect}, {unit}" if unit else effect
    words = {"each": each, "effect": named, "atrophy": f"Atrophy seen by week {week:g}, %",
             "thinning": f"Loss of dermal thickness at week {week:g}, %"}  # fmt: skip
    drawn = [
        charts.dose_chart(dose, styles, ("effect", "effect_low", "effect_high"), unit,
                          key="dose-effect", title=named),
        charts.dose_chart(dose, styles, ("atrophy_seen", "atrophy_seen_low", "atrophy_seen_high"),
                          "%", key="dose-atrophy", title=words["atrophy"]),
        charts.dose_chart(dose, styles, ("thinning", "thinning_low", "thinning_high"), "%",
                          key="dose-thinning", title=words["thinning"]),
    ] if len(dose) else []  # fmt: skip
    return {
        "words": "Arms in the order of the steroid that was given, mean of all sessions. Atrophy "
                 "seen is what a doctor would have noted at a visit; the loss of thickness, in the "
                 "thinnest tenth of the patch, is what is true in the model.",
        "charts": drawn,
        "dose": tables.dose_table(protocol, dose, words),
        "spill": tables.spill_table(protocol, summary.spill_over),
        "spill_words": _spill_words(summary),
        "harm_words": "Atrophy seen and relapse count everybody who was followed, whether they "
                      "still came or not; who did not come was not seen to have atrophy. Relapse "
                      "is what is true in the model, of those who had responded.",
        "harm_charts": _harm_charts(summary, styles),
        "harms": tables.harm_table(protocol, summary.harms),
        "given": tables.given_table(protocol, summary.exposure, each),
        "cost": tables.cost_table(protocol, summary.cost),
    }  # fmt: skip


def _harm_charts(summary: "TrialSummary", styles: Styles) -> list[Drawing]:
    titles = {
        "atrophy seen": "Atrophy seen by the visit, %",
        "thinning": "Loss of dermal thickness, %",
        "relapse": "Relapse by the visit, %",
    }
    drawn = []
    for harm, title in titles.items():
        own = summary.harms[summary.harms["harm"] == harm]
        top = float(np.nan_to_num(own["high"].to_numpy(float)).max())
        drawn.append(charts.curves(
            own, styles, ("week", "percent", "low", "high"), ("weeks from randomisation", "%"),
            key=f"harm-{harm.split()[0]}", title=title, ceiling=min(max(1.1 * top, 5.0), 100.0),
        ))  # fmt: skip
    return drawn


def _spill_words(summary: "TrialSummary") -> str:
    table = summary.spill_over
    if table.empty:
        return ""
    pairs = table[(table["against"] != "") & table["measure"].str.startswith("Regrowth")]
    names = tables.arm_names(summary.protocol)
    each = [f"{names[row['arm']]}: {interval(row['bias'], row['low'], row['high'], 2)}"
            for row in pairs.to_dict("records")]  # fmt: skip
    return (
        "Drug reaches neighbouring quadrants, and the attack spreads over borders. The same people "
        "with the same luck were followed again, every quadrant as though its whole patch had its "
        "arm; the difference is the bias of comparing quadrants. Bias of the difference in "
        f"regrowth, percentage points: {'; '.join(each)}."
    )


def published(summary: "TrialSummary") -> Facts:
    """Put published figures beside simulated ones."""
    table, names = summary.published, tables.arm_names(summary.protocol)
    words = str(table.attrs.get("words", ""))
    judged = [row for row in table.to_dict("records") if row["inside"] is not None
              and row["inside"] == row["inside"]]  # fmt: skip
    if judged:
        inside = sum(bool(row["inside"]) for row in judged)
        new = sum(not row["calibrated"] for row in judged)
        words += (
            f" {inside} of {len(judged)} figures that can be judged lie inside the interval in "
            "which 95 % of studies of that size would find theirs by the simulation; the model was "
            f"calibrated to {len(judged) - new} of them, which are no independent test."
        )
        wide = sum(row["unit"] == "%" and row["predicted_high"] - row["predicted_low"] > _WIDE
                   for row in judged)  # fmt: skip
        if wide:
            words += (f" Of {wide} the interval is wider than {_WIDE:g} percentage points, which "
                      "hardly is a test.")  # fmt: skip
    shares = [row for row in judged if row["unit"] == "%"]
    bars = [
        Bar(f"{_short(row['measure'], 30)} ({row['arms']})",
            f"{figure(row['published'])} beside {figure(row['simulated'])}",
            row["simulated"], row["predicted_low"], row["predicted_high"],
            second=(row["published"], row["published_low"], row["published_high"]))
        for row in shares
    ]  # fmt: skip
    chart = charts.forest(
        bars, "%", key="published-forest", zero=None,
        title="Published (round) below simulated (square), each with its 95 % interval",
    ) if bars else None  # fmt: skip
    notes = [
        f"{row['measure']}, {' + '.join(names[arm] for arm in row['arms'].split(', '))}: "
        f"{row['note'].rstrip('.')}."
        for row in table.to_dict("records") if row["note"]
    ]  # fmt: skip
    return {"words": words, "chart": chart, "notes": notes,
            "table": tables.published_table(summary.protocol, table)}  # fmt: skip


def limits(summary: "TrialSummary") -> list[str]:
    """Tell what a reader must not take from a simulated trial."""
    found = [
        "Simulated people are no evidence of their own: a figure here is what the calibrated model "
        "expects, with the doubt about the population spread over the people. Where the evidence "
        "is thin, the model is too.",
        "The model knows patches of the scalp, drug, immune attack, follicles, skin and their "
        "differences between people. It knows nothing of the operator's hand, of adherence other "
        "than missed visits and leaving, of other treatments, or of harms besides thinning of the "
        "skin and relapse.",
        "Tables of endpoints show what raters read, with error, on those who came; the loss of "
        "dermal thickness, relapse and the columns named so show what is true in the model, "
        "which no study sees.",
        "Drop-out depends on nothing but chance and, where the protocol says so, on poor regrowth.",
    ]
    if summary.protocol.unit == "quadrant":
        found.append("Quadrants of one patch share drug and attack; see the spill-over.")
    assumed = [*summary.protocol.assumed, *summary.protocol.conduct.assumed]
    if assumed:
        names = [name.replace("_", " ") for name in dict.fromkeys(assumed)]
        found.append(f"The protocol assumes without a source: {listed(names)}.")
    return found
