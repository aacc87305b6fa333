"""The report: one HTML file that carries everything it shows."""

import base64
from collections.abc import Sequence
from datetime import date
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anagen._files import write_whole
from anagen.report import content, curves, ledger, sources
from anagen.report.pictures import Pictures, draw
from anagen.report.plan_picture import number_words
from anagen.report.style import inline, svg

if TYPE_CHECKING:
    import xarray as xr
    from markupsafe import Markup

    from anagen.patient import Patient
    from anagen.report.plan_picture import Drawing
    from anagen.scalp import Scalp
    from anagen.treatment import Finding, Plan


def write_report(
    patient: "Patient",
    plan: "Plan",
    course: "xr.Dataset",
    untreated: "xr.Dataset",
    path: str | Path,
    *,
    scalp: "Scalp | None" = None,
    findings: "Sequence[Finding] | None" = None,
) -> Path:
    """Write the report of one patient as one self-contained HTML file, whole or not at all.

    Parameters
    ----------
    patient : the record.
    plan : the sessions planned.
    course, untreated : simulated with and without the plan, from the same start.
    path : the file to write; an older one is replaced.
    scalp : the surface of both courses; the patient's own when None.
    findings : what the rules say; those of the plan when None.

    Returns
    -------
    pathlib.Path
        The file written. The same input gives the same bytes.

    Raises
    ------
    InputError
        When the file cannot be written or the course does not belong to the scalp.

    Examples
    --------
    >>> write_report(patient, plan, course, untreated, "report.html")  # doctest: +SKIP
    """
    text = render(patient, plan, course, untreated, scalp=scalp, findings=findings)
    write_whole(Path(path), text)
    return Path(path)


def render(
    patient: "Patient",
    plan: "Plan",
    course: "xr.Dataset",
    untreated: "xr.Dataset",
    *,
    scalp: "Scalp | None" = None,
    findings: "Sequence[Finding] | None" = None,
) -> str:
    """Text of the report; see `write_report`."""
    pictures = draw(patient, plan, course, untreated, scalp=scalp)
    stated = tuple(plan.findings if findings is None else findings)
    facts = _facts(patient, plan, course, untreated, findings=stated, pictures=pictures)
    return str(_template().render(**facts))


def _template() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("anagen.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        day=content.day_words, inline=_inline, data_url=_data_url, numbers=number_words,
        three=_three,
    )  # fmt: skip
    environment.globals.update(severity=ledger.severity_words())
    return environment.get_template("report.html.j2")


def _three(value: float | None, digits: int = 3) -> str:
    """Write a number with so many significant digits, without exponent for the usual sizes."""
    if value is None:
        return "–"
    text = f"{float(value):.{digits}g}".replace("-", "−") if value < 0 else f"{value:.{digits}g}"
    return f"{float(text):.0f}" if "e+" in text else text


def _inline(drawing: "Drawing") -> "Markup":
    from markupsafe import Markup

    return Markup(inline(svg(drawing.figure), drawing.key, drawing.description))


def _data_url(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode("ascii")


def _style() -> "Markup":
    from markupsafe import Markup

    file = resources.files("anagen.report") / "style.css"
    return Markup(file.read_text(encoding="utf-8"))


def _facts(
    patient: "Patient",
    plan: "Plan",
    course: "xr.Dataset",
    untreated: "xr.Dataset",
    *,
    findings: "Sequence[Finding]",
    pictures: Pictures,
) -> dict[str, Any]:
    """Everything that the template shows."""
    parameters = sources.parameters_of(course)
    modules = sources.modules(parameters)
    used = ledger.limits_used(patient, plan, content.start_of(course, plan))
    cited = [p.source for module in modules for p in module.parameters]
    cited += [finding.source for finding in findings] + [gate.source for gate in plan.gates]
    return {
        "style": _style(),
        "patient": patient,
        "plan": plan,
        "age": _age(patient, content.start_of(course, plan)),
        "start": content.start_of(course, plan),
        "protocol": _protocol(plan),
        "next_session": content.next_session(plan, course),
        "model_version": str(course.attrs.get("model_version", "")),
        "parameter_version": sources.version_of(course) or getattr(parameters, "version", ""),
        "notes": str(course.attrs.get("notes", "")),
        "plan_sentence": content.plan_sentence(plan),
        "course_sentences": content.course_sentences(course, untreated),
        "binding": content.binding_words(plan, used),
        "pictures": pictures,
        "sheets": ledger.sheets(plan),
        "expectations": content.expectations(course, untreated, pictures.blocked),
        "charts": curves.chart_groups(course, untreated),
        "charted": curves.patches_charted(course),
        "patch_names": content.patch_names(course),
        "skin_harms": _by_patch(content.skin_harms(course)),
        "body_harms": content.body_harms(course),
        "session_harms": content.session_harms(plan, course),
        "ledger": ledger.ledger(patient, plan, course),
        "limits": used,
        "findings": ledger.grouped_findings(findings),
        "modules": modules,
        "references": sources.references(cited),
        "assumed": sum(module.assumed for module in modules),
        "parameter_count": sum(len(module.parameters) for module in modules),
    }


def _by_patch(harms: Sequence[content.Harm]) -> dict[str, list[content.Harm]]:
    groups: dict[str, list[content.Harm]] = {}
    for harm in harms:
        groups.setdefault(harm.patch, []).append(harm)
    return groups


def _age(patient: "Patient", on: date) -> float | None:
    from anagen.patient import age_on

    return age_on(patient, on)


def _protocol(plan: "Plan") -> str:
    from anagen.errors import AnagenError
    from anagen.treatment import load_protocol

    try:
        return load_protocol(plan.protocol).name
    except AnagenError:
        return plan.protocol
