"""How forecasts, comparisons and reviews look on a terminal: flags first, then what was asked."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from anagen._commands.shown import _grid, _line, _print, _table

if TYPE_CHECKING:
    import xarray as xr

    from anagen.forecast.choose import Comparison
    from anagen.forecast.decide import Suggestion
    from anagen.forecast.gates import GateReview
    from anagen.forecast.predict import Forecast
    from anagen.forecast.review import Review

_COLOURS = {"stop": "bold red", "warn": "yellow", "inform": "cyan"}
_REACHED = {"passed": "green", "missed": "red", "open": "cyan", "no data": "yellow"}
_MARKS = (12, 24)


def print_flags(flags: Sequence[Any]) -> None:
    """Print the flags, gravest first."""
    for flag in flags:
        grid = _grid()
        grid.add_row("", _line(flag.message))
        grid.add_row("", _line(f"{flag.reason} ({flag.source})", "dim"))
        _print(_line(f"{flag.severity}: {flag.key}", _COLOURS[flag.severity]), grid)


def print_forecast(made: "Forecast") -> None:
    """Print flags, then regrowth, patches, harms and drug of every plan, with intervals."""
    from anagen.report import forecast_figures as figures

    data = made.dataset
    about = data.attrs
    title = (f"Forecast of {about.get('patient', '')} from {about.get('origin', '')}, "
             f"{figures.last_week(data)} weeks")  # fmt: skip
    _print(_line(title, "bold"))
    print_flags(made.flags)
    if figures.withheld(made.flags):
        _print(_line("The forecast is withheld: no number is shown.", "bold red"))
        return
    _print(_line("In brackets 95 % intervals.", "dim"))
    for plan in (*figures.plan_names(data), figures.UNTREATED_PLAN):
        _print(_line(plan, "bold"))
        _print_weeks(data, plan)
        _print_patches(data, plan)
        for words in _plan_lines(data, plan):
            _print(_line(f"- {words}"))
    _print(_line(f"Model {about.get('model_version', '')}, population "
                 f"{about.get('posterior_version', '')}, "
                 f"{float(about.get('effective', 0)):.0f} effective people.", "dim"))  # fmt: skip


def _print_weeks(data: "xr.Dataset", plan: str) -> None:
    from anagen.report import forecast_figures as figures

    thresholds = [float(value) for value in figures.thresholds(data)]
    table = _table("week", "SALT %", "regrown", *(f"chance {100 * at:.0f} %" for at in thresholds))
    for week in figures.weeks_shown(data):
        salt = figures.spread(data, "salt", plan=plan, week=week)
        regrown = figures.spread(data, "scalp_regrowth", plan=plan, week=week)
        chances = [figures.chance(data, "scalp_chance", plan=plan, week=week, threshold=at)
                   for at in thresholds]  # fmt: skip
        table.add_row(str(week), _words(salt, percent=False), _words(regrown),
                      *map(_words, chances))  # fmt: skip
    _print(table)


def _print_patches(data: "xr.Dataset", plan: str) -> None:
    from anagen.report import forecast_figures as figures
    from anagen.report import forecast_words as words

    last = figures.last_week(data)
    marks = [week for week in _MARKS if week <= last] or [last]
    table = _table("patch", *(f"cover week {week}" for week in marks), "first hair, week",
                   "visible atrophy")  # fmt: skip
    for patch in figures.patch_names(data):
        covers = [figures.spread(data, "patch_cover", plan=plan, week=week, patch=patch)
                  for week in marks]  # fmt: skip
        harm = figures.greatest_chance(data, "atrophy_chance", plan, patch)
        first = words.first_hair_words(data, plan, patch).removeprefix("week ")
        table.add_row(_line(patch), *map(_words, covers), first or "-",
                      _words(harm[1] if harm else None))  # fmt: skip
    _print(table)


def _plan_lines(data: "xr.Dataset", plan: str) -> list[str]:
    from anagen.report import forecast_figures as figures
    from anagen.report import forecast_words as words

    if plan == figures.UNTREATED_PLAN:
        return []
    last = figures.last_week(data)
    week = figures.week_of(data, words.MARK_WEEK)
    lines = []
    people = figures.people(data, plan, week, words.MOST_BACK)
    if people is not None:
        shares = people.shares
        lines.append(
            f"By week {week}, {100 * people.threshold:.0f} % or more is covered again in "
            f"{_words(shares['untreated'])} of people like this one with no more injections; "
            f"the plan adds {_words(shares['only_treated'])}."
        )
    relapse = figures.chance(data, "relapse_chance", plan=plan, week=last)
    pain = figures.spread(data, "pain", plan=plan)
    cortisol = figures.lowest(data, "cortisol_morning", plan)
    if relapse is not None:
        lines.append(f"Relapse after the last session, by week {last}: {_words(relapse)}.")
    if pain is not None:
        lines.append(f"Worst pain of a session, 0 to 10: {_words(pain, percent=False)}.")
    if cortisol is not None:
        lines.append(f"Lowest morning cortisol: {_words(cortisol[1])} of the own normal.")
    row = next((row for row in words.ledger_rows(data) if row.head == plan), None)
    if row is not None:
        sessions, sites, volume, dose, total = row.cells
        lines.append(f"Planned: {sessions} sessions, {sites} sites, {volume} mL, {dose} mg; "
                     f"with all before {total} mg.")  # fmt: skip
    return lines


def _words(found: Any, *, percent: bool = True) -> str:
    from anagen.report.forecast_figures import range_words
    from anagen.report.forecast_words import short

    if found is None:
        return "-"
    return short(range_words(found, percent=percent))


def print_comparison(found: "Comparison", top: int) -> None:
    """Print the picks with benefit, harm and limit, what more drug buys, and the best plans."""
    weights = ", ".join(f"{name} {weight:.2g}" for name, weight in found.weights.items() if weight)
    _print(_line(f"{len(found.table)} plans; the order weighs {weights}.", "bold"))
    for pick in found.picks:
        grid = _grid()
        for words in (pick.benefit, pick.harm, pick.limit, pick.note):
            if words:
                grid.add_row("", _line(words))
        grid.add_row("", _line(pick.source, "dim"))
        _print(_line(f"{pick.role}: {pick.name}", "bold cyan"), grid)
    for title, lines in (
        ("What the next milligram buys", [step.sentence for step in found.trade]),
        ("Cannot be told apart", found.ties),
        ("To know", found.notes),
    ):
        if lines:
            _print(_line(title, "bold"), *(_line(f"- {words}") for words in lines))
    _print_ranked(found, top)


def _print_ranked(found: "Comparison", top: int) -> None:
    shown = found.table.head(top)
    table = _table("plan", "regrowth %", "atrophy %", "mg", "pain", "visits", "")
    for name, row in shown.iterrows():
        table.add_row(
            _line(str(name)),
            _share(row, "regrowth"),
            _share(row, "atrophy"),
            _figure(row["mg"]),
            _figure(row["pain"]),
            _figure(row["visits"]),
            _line("blocked", "red") if row["blocked"] else "" if row["pareto"] else "dominated",
        )
    blocked = int(found.table["blocked"].sum())
    _print(
        _line(f"The first {len(shown)} of {len(found.table)}, {blocked} blocked by a rule", "bold"),
        _line("Regrowth with its 80 %, atrophy with its 95 % interval.", "dim"),
        table,
    )


def _share(row: Any, name: str) -> str:
    values = [100.0 * float(row[key]) for key in (name, f"{name}_low", f"{name}_high")]
    if not all(map(math.isfinite, values)):
        return "-"
    return "{:.0f} ({:.0f}–{:.0f})".format(*values)


def _figure(value: Any) -> str:
    number = float(value)
    return f"{number:.3g}" if math.isfinite(number) else "-"


def print_review(found: "Review", flags: Sequence[Any]) -> None:
    """Print flags, the gates with what was seen and is forecast, and what is suggested."""
    title = f"Review on {found.on}, profile {found.profile}"
    if found.week is not None:
        title += f": week {found.week:.0f} since the first session on {found.first_session}"
    _print(_line(title, "bold"))
    print_flags(flags)
    for gate in found.gates:
        grid = _grid()
        for words in _gate_lines(gate):
            grid.add_row("", _line(words))
        grid.add_row("", _line(f"{', '.join(gate.rules)} ({gate.source})", "dim"))
        head = f"Week {gate.week:g}, {gate.title} ({gate.due}): {gate.reached}"
        _print(_line(head, _REACHED.get(gate.reached, "")), grid)
    for patch in found.patches:
        read = "" if patch.percent is None else f", {patch.percent:.0f} % on {patch.date}"
        _print(
            _line(f"Patch {patch.patch}{read}: {patch.action}"),
            *(_line(f"  {words}", "dim") for words in patch.why),
        )
    _print_suggestion("Suggested", found.suggestion, ())
    said = (*found.suggestion.why, found.suggestion.forecast)
    for other in found.alternatives:
        _print_suggestion("Or", other, said)
    if found.note:
        _print(_line(found.note, "dim"))


def _gate_lines(gate: "GateReview") -> list[str]:
    from anagen.report.forecast_words import different_chances

    lines = []
    if gate.observed:
        each = ", ".join(f"{seen.patch} {seen.percent:.0f} %" for seen in gate.observed)
        whole = "" if gate.whole is None else f"; {gate.whole:.0f} % of the bald area in all"
        day = "" if gate.date is None else f" on {gate.date}"
        lines.append(f"Seen{day}: {each}{whole}.")
    chances = different_chances(gate.forecast)
    if chances:
        lines.append("Chance to reach it: " + "; ".join(
            f"{chance.plan} {100 * chance.chance:.0f} % "
            f"({100 * chance.low:.0f}–{100 * chance.high:.0f})" for chance in chances
        ) + ".")  # fmt: skip
    return lines


def _print_suggestion(title: str, found: "Suggestion", said: Sequence[str]) -> None:
    """Print an action with its reasons; what was said before is not said again."""
    grid = _grid()
    for words in (*found.why, found.forecast):
        if words and words not in said:
            grid.add_row("", _line(words))
    if found.rules:
        grid.add_row("", _line(", ".join(found.rules), "dim"))
    _print(_line(f"{title}: {found.action}", "bold"), grid)
