"""The report of a forecast: one page for the doctor, one in plain words for the patient."""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anagen._files import write_whole
from anagen.report import forecast_charts as charts
from anagen.report import forecast_figures as figures
from anagen.report import forecast_words as words
from anagen.report import html, sources
from anagen.report.forecast_scalp import Sight, sights

if TYPE_CHECKING:
    import xarray as xr

    from anagen.forecast.flags import Flag
    from anagen.forecast.predict import Forecast
    from anagen.forecast.review import Review
    from anagen.patient import Patient
    from anagen.treatment import Plan

_SEVERITY = {"stop": ("block", "Stop"), "warn": ("warn", "Warning"), "inform": ("inform", "Note")}
_PEOPLE_WEEKS = (12, 24, 52)
_COURSE_WORDS = {
    "likely": ("The likely course", "Half of people like you do better than this. Half do worse."),
    "lucky": ("A lucky course", "Few people like you do this well."),
    "unlucky": ("An unlucky course", "Few people like you do this badly."),
}


def write_forecast_report(
    forecast: "Forecast",
    patient: "Patient",
    path: str | Path,
    *,
    plans: "Mapping[str, Plan] | None" = None,
    review: "Review | None" = None,
    pictures: "Mapping[str, xr.Dataset] | None" = None,
) -> Path:
    """Write the forecast as one self-contained HTML file with a page for doctor and patient.

    Parameters
    ----------
    forecast : what is expected, with its flags. When one of them says stop, the pages say why and
        show no number of the forecast.
    patient : the record.
    path : the file to write; an older one is replaced.
    plans : the plans of the forecast by name, for dates and marks of their sessions. The page for
        the patient speaks of the first.
    review : what the gates say; left out when None.
    pictures : simulated courses by name, ``likely``, ``lucky`` and ``unlucky``; an attribute
        ``quantile`` says how many people like this one do worse.

    Returns
    -------
    pathlib.Path
        The file written. The same input gives the same bytes.

    Raises
    ------
    InputError
        When the file cannot be written or the pictured courses are of another scalp.

    Examples
    --------
    >>> write_forecast_report(made, patient, "forecast.html")  # doctest: +SKIP
    """
    text = render(forecast, patient, plans=plans or {}, review=review, pictures=pictures or {})
    write_whole(Path(path), text)
    return Path(path)


def render(
    forecast: "Forecast",
    patient: "Patient",
    *,
    plans: "Mapping[str, Plan]",
    review: "Review | None" = None,
    pictures: "Mapping[str, xr.Dataset]",
) -> str:
    """Text of the report; see `write_forecast_report`."""
    data = forecast.dataset
    stopped = figures.withheld(forecast.flags)
    facts = {
        **_facts(data, patient, forecast.flags, review),
        "stopped": stopped,
        "review": review,
        "doctor": {} if stopped else _doctor(data, plans),
        "person": _person(data, plans, {} if stopped else pictures, patient, stopped=stopped),
    }
    return str(_template().render(**facts))


def _template() -> Any:
    environment = html._template().environment
    environment.filters.update(
        range=figures.range_words, hundred=words.hundred, between=words.between,
        percent=figures.percent_words, different=words.different_chances, short=_cell,
    )  # fmt: skip
    environment.globals.update(flag_words=_SEVERITY, plan_title=words.plan_title)
    return environment.get_template("forecast.html.j2")


def _cell(text: str) -> str:
    """Figure for a table: it breaks before its interval and nowhere else."""
    return words.short(text).replace(" %", "\u00a0%").replace("–", "\u2060–\u2060")


def _style() -> Any:
    from markupsafe import Markup

    own = resources.files("anagen.report") / "forecast.css"
    return html._style() + Markup(own.read_text(encoding="utf-8"))


def _facts(
    data: "xr.Dataset", patient: "Patient", flags: "tuple[Flag, ...]", review: "Review | None"
) -> dict[str, Any]:
    start = figures.origin(data)
    cited = [key for flag in flags for key in flag.source.replace(",", " ").split()]
    if review is not None:
        cited += [key for gate in review.gates for key in gate.source.replace(",", " ").split()]
    return {
        "style": _style(),
        "patient": patient,
        "age": html._age(patient, start),
        "start": start,
        "plan_list": figures.plan_names(data),
        "last_week": figures.last_week(data),
        "model_version": str(data.attrs.get("model_version", "")),
        "posterior_version": str(data.attrs.get("posterior_version", "")),
        "flags": flags,
        "fit": words.check_words(data),
        "references": sources.references(cited),
    }


def _doctor(data: "xr.Dataset", plans: "Mapping[str, Plan]") -> dict[str, Any]:
    names = figures.plan_names(data)
    return {
        "summary": {name: words.summary(data, name) for name in names or [figures.UNTREATED_PLAN]},
        "fans": charts.fan_charts(data, plans),
        "charted": charts.patches_charted(data),
        "patches": figures.patch_names(data),
        "chances": charts.chance_charts(data),
        "relapse": charts.relapse_charts(data),
        "cortisol": charts.cortisol_charts(data, plans),
        "people": {name: _people(data, name) for name in names},
        "people_rows": _people_rows(data),
        "heads": words.number_heads(data),
        "numbers": {patch: words.number_rows(data, patch) for patch in figures.patch_names(data)},
        "harms": words.harm_rows(data),
        "body": words.body_rows(data),
        "ledger": words.ledger_rows(data),
        "thresholds": [float(value) for value in figures.thresholds(data)],
    }


def _people(data: "xr.Dataset", plan: str) -> figures.People | None:
    return figures.people(data, plan, figures.week_of(data, words.MARK_WEEK), words.MOST_BACK)


def _people_rows(data: "xr.Dataset") -> list[words.Row]:
    """Regrown without treatment and only with it, for every plan, week and threshold."""
    rows = []
    for plan in figures.plan_names(data):
        for week in figures.weeks_shown(data, _PEOPLE_WEEKS):
            cells = []
            for threshold in figures.thresholds(data):
                found = figures.people(data, plan, week, float(threshold))
                for name in ("untreated", "only_treated"):
                    cells.append("–" if found is None else figures.range_words(found.shares[name]))
            rows.append(words.Row(f"{week}", words.plan_title(plan), tuple(cells)))
    return rows


def _person(
    data: "xr.Dataset",
    plans: "Mapping[str, Plan]",
    pictures: "Mapping[str, xr.Dataset]",
    patient: "Patient",
    *,
    stopped: bool,
) -> dict[str, Any]:
    """Gather what the page for the patient shows, of the first plan."""
    names = figures.plan_names(data)
    name = names[0] if names else figures.UNTREATED_PLAN
    week = figures.week_of(data, words.MARK_WEEK)
    facts: dict[str, Any] = {
        "treated": bool(names),
        "sessions": words.session_words(plans.get(name)),
        "week": week,
        "last_week": figures.last_week(data),
        "courses": {key: _course_words(key, pictures) for key in _COURSE_WORDS},
        "sights": _sights(patient, pictures),
    }
    if stopped:
        return facts
    first = [found for patch in figures.patch_names(data)
             if (found := words.first_hair(data, name, patch))]  # fmt: skip
    grown = figures.chance(data, "scalp_chance", plan=name, week=week, threshold=words.MOST_BACK)
    relapse = figures.chance(data, "relapse_chance", plan=name, week=figures.last_week(data))
    return facts | {
        "people": _people(data, name) if names else None,
        "grown": grown,
        "first_hair": min(first, key=lambda found: found.middle) if first else None,
        "harms": {variable: worst[2] for variable in words.SKIN_HARMS
                  if (worst := words.worst_harm(data, variable, name))} if names else {},
        "pain": figures.spread(data, "pain", plan=name, level=80),
        "cortisol": figures.lowest(data, "cortisol_morning", name) if names else None,
        "relapse": relapse if names else None,
    }  # fmt: skip


def _sights(patient: "Patient", pictures: "Mapping[str, xr.Dataset]") -> list[Sight]:
    return sights(patient, pictures) if pictures else []


def _course_words(name: str, pictures: "Mapping[str, xr.Dataset]") -> tuple[str, str]:
    """Heading and honest label of a pictured course."""
    title, label = _COURSE_WORDS[name]
    course = pictures.get(name)
    share = None if course is None else course.attrs.get("quantile")
    if share is None or name == "likely":
        return title, label
    worse = 100.0 * float(share)
    if name == "lucky":
        return title, f"About {100.0 - worse:.0f} of 100 people like you do this well or better."
    return title, f"About {worse:.0f} of 100 people like you do this badly or worse."
