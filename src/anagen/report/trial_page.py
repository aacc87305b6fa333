"""The report of a virtual trial: one HTML file that carries everything it shows."""

from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anagen._files import write_whole
from anagen.evidence.products import load_products
from anagen.report import html, sources, trial_sections
from anagen.report.style import _VARIABLES
from anagen.report.trial_charts import arm_styles
from anagen.report.trial_words import Shown, count, listed
from anagen.trials.protocol import Protocol, Treatment, end_week, is_saline, session_weeks

if TYPE_CHECKING:
    from anagen.trials.trial_summary import TrialSummary

_FINGERPRINT = 12  # digits that tell protocols apart in a list of facts; the whole is at the foot

_SECTIONS = (
    ("result", "Primary result"), ("replicates", "Across replicates"), ("flow", "Who took part"),
    ("endpoints", "All endpoints"), ("regrowth", "Regrowth over time"),
    ("dose", "Dose and atrophy"), ("harms", "Harms"), ("given", "What was given"),
    ("published", "Published"), ("limits", "Limits"), ("protocol", "Protocol"),
)  # fmt: skip


def write_trial_report(summary: "TrialSummary", path: str | Path) -> Path:
    """Write the report of a trial as one self-contained HTML file, whole or not at all.

    Parameters
    ----------
    summary : of `anagen.trials.trial_summary.summarise_trial`.
    path : the file to write; an older one is replaced.

    Returns
    -------
    pathlib.Path
        The file written. The same results give the same bytes.

    Raises
    ------
    InputError
        When the file cannot be written.

    Examples
    --------
    >>> write_trial_report(summary, "report.html")  # doctest: +SKIP
    """
    write_whole(Path(path), render(summary))
    return Path(path)


def render(summary: "TrialSummary") -> str:
    """Text of the report; see `write_trial_report`."""
    protocol = summary.protocol
    styles = arm_styles(protocol)
    replicates = trial_sections.replicates(summary, styles)
    facts = {
        "style": _style(),
        "protocol": protocol,
        "about": summary.about,
        "missing": missing_words(summary),
        "facts": _facts(summary),
        "sections": [(key, words) for key, words in _SECTIONS
                     if key != "replicates" or replicates],
        "styles": styles,
        "result": trial_sections.result(summary, styles),
        "replicates": replicates,
        "flow": trial_sections.flow(summary, styles),
        "outcomes": trial_sections.outcomes(summary, styles),
        "price": trial_sections.price(summary, styles),
        "published": trial_sections.published(summary),
        "limits": trial_sections.limits(summary),
        "design": _design(protocol),
        "references": sources.references(_cited(summary)),
    }  # fmt: skip
    return str(_template().render(**facts))


def missing_words(summary: "TrialSummary") -> str:
    """Say how many people have no results; empty when all have."""
    if not summary.missing_people:
        return ""
    there, lost = int(summary.about["people"]), summary.missing_people
    return (
        f"{count(lost)} of {count(there + lost)} people have no results: parts of the run are not "
        "done or have failed. They are counted nowhere on this page. Run the trial again with the "
        "same store to complete it."
    )


def _template() -> Any:
    environment = html._template().environment
    environment.filters["colour"] = lambda style: f"var({_VARIABLES[style.colour]})"
    return environment.get_template("trial.html.j2")


def _style() -> Any:
    from markupsafe import Markup

    own = resources.files("anagen.report") / "trial.css"
    return html._style() + Markup(own.read_text(encoding="utf-8"))


def _facts(summary: "TrialSummary") -> list[tuple[str, str]]:
    about, protocol = summary.about, summary.protocol
    design = "parallel arms" if protocol.design == "parallel" else "all arms in every person"
    facts = [
        ("Design", design),
        ("Randomised", {"patient": "people", "patch": "patches", "quadrant": "quadrants"}[
            protocol.unit]),
        ("People", count(about["people"])),
    ]  # fmt: skip
    if about["units"] != about["people"]:
        facts.append((facts[1][1].capitalize(), count(about["units"])))
    size = about["people_per_replicate"]
    return [
        *facts,
        ("Trials of that design", f"{count(about['replicates'])} of {count(size)} people"),
        ("Followed for", f"{end_week(protocol):g} weeks"),
        ("Seed", str(about["seed"])),
        ("Model", f"Anagen {about['anagen_version']}"),
        ("Parameter set", str(about["parameter_set"])),
        ("Calibrated population", str(about["posterior"])),
        ("Protocol", f"{protocol.key}, {str(about['protocol_fingerprint'])[:_FINGERPRINT]}"),
    ]


def _design(protocol: Protocol) -> Shown:
    """List the arms as the protocol has them."""
    rows = []
    for arm in protocol.arms:
        given, weeks = arm.treatment, session_weeks(arm.treatment)
        if not weeks:
            rows.append((arm.name, "no injection", "–", "–", "–", arm.treatment.source or "–"))
            continue
        rules = [
            f"from week {step.week:g}, {step.strength_mg_per_mL:g} mg/mL where regrowth is under "
            f"{100 * step.if_regrowth_below:g} %" for step in given.steps
        ]  # fmt: skip
        rules += _stops(given)
        if given.guided is not None:
            rules.append("strength by the individual forecast")
        if arm.rescue is not None:
            rules.append(f"rescue at week {arm.rescue.week:g} where regrowth is under "
                         f"{100 * arm.rescue.if_regrowth_below:g} %")  # fmt: skip
        rows.append((arm.name, _injected(given),
                     f"{len(weeks)}, every {given.interval_weeks:g} weeks",
                     f"{given.volume_mL:g} mL, {given.spacing_mm:g} mm apart",
                     "; ".join(filter(None, rules)) or "–", given.source or "–"))  # fmt: skip
    heads = ("Arm", "Injected", "Sessions", "At each site", "Rules", "Source")
    return Shown("The arms", heads, tuple(rows), words=6)


def _stops(given: Treatment) -> list[str]:
    """Say when a treatment is stopped, the same gate at several weeks once."""
    weeks: dict[str, list[str]] = {}
    for stop in given.stops:
        share, side = stop.if_regrowth_below, "under"
        if share is None:
            share, side = stop.if_regrowth_at_least, "at least"
        if share is not None:
            weeks.setdefault(f"{side} {100 * share:g} %", []).append(f"{stop.week:g}")
    return [f"stop at week {listed(when)} where regrowth is {gate}" for gate, when in weeks.items()]


def _injected(given: Treatment) -> str:
    """Say what is injected."""
    if is_saline(given):
        return "saline"
    product = load_products().get(given.product)
    name = product.name if product is not None else given.product
    return f"{given.strength_mg_per_mL:g} mg/mL, from {name}"


def _cited(summary: "TrialSummary") -> Iterable[str]:
    protocol = summary.protocol
    yield from (protocol.source, protocol.eligibility.source, protocol.conduct.source)
    yield from (arm.treatment.source for arm in protocol.arms)
    yield from (endpoint.source for endpoint in protocol.endpoints)
    yield from (str(source) for source in summary.published["source"])
