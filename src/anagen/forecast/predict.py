"""The forecast of one patient: what will happen, how sure that is, and when not to say."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from anagen._version import __version__
from anagen.forecast.case import Case, make_case
from anagen.forecast.check import Check, VisitCheck, check
from anagen.forecast.flag_rows import limit_of, raise_flag
from anagen.forecast.flags import Flag, check_flags, is_withheld, order_flags, record_flags
from anagen.forecast.outlook import UNTREATED, Outlook, look_ahead, with_plan
from anagen.forecast.summary import summarise
from anagen.forecast.update import Learnt, update
from anagen.population.posterior import Posterior

if TYPE_CHECKING:
    import xarray as xr

    from anagen.patient import Patient
    from anagen.treatment import Plan

_ALWAYS = ("cumulative_mg", "planned_mg", "planned_mL", "planned_sites", "planned_sessions",
           "observed_cover")  # fmt: skip
"""What is no forecast, and stays when a forecast is withheld."""


@dataclass(frozen=True)
class Diagnostics:
    """How well the answer is founded.

    Parameters
    ----------
    effective : effective number of possible people; rounds : of the adaptation.
    evidence : logarithm of the mean likelihood of the readings.
    readings : how many; check : of every visit against those before.
    """

    effective: float
    rounds: int
    evidence: float
    readings: int
    check: Check


@dataclass(frozen=True)
class Forecast:
    """A forecast.

    Parameters
    ----------
    dataset : quantiles and chances by plan, patch and week; see ``docs/architecture.md``. All NaN
        where the model and the patient contradict each other outright.
    flags : what the reader must know first, gravest first.
    diagnostics : how well it is founded.
    outlook : the people behind it, from which a changed plan is forecast quickly.
    asked : day of the question.
    """

    dataset: "xr.Dataset"
    flags: tuple[Flag, ...]
    diagnostics: Diagnostics
    outlook: Outlook = field(repr=False)
    asked: date

    @property
    def withheld(self) -> bool:
        """Whether no number is given because the check failed outright."""
        return is_withheld(self.flags)


def forecast_patient(
    patient: "Patient",
    plans: "Mapping[str, Plan] | None" = None,
    *,
    weeks: int = 52,
    on: date | None = None,
    seed: int = 0,
    posterior: Posterior | None = None,
) -> Forecast:
    """Forecast one patient under any plans and without further treatment.

    Parameters
    ----------
    patient : the record.
    plans : by name; what was given already or lies before the origin is left out of them.
    weeks : from the origin, the latest day on which anything was seen or given.
    on : last day of the record that counts; all of it when None.
    seed : of the random numbers; the same seed gives the same forecast.
    posterior : of the population; the package's own when None.

    Returns
    -------
    Forecast

    Raises
    ------
    InputError
        When no patch was drawn, a plan is of somebody else, or the horizon cannot be meant.

    Examples
    --------
    >>> from datetime import date
    >>> from anagen import Outline, PatchSeen, PatchShape, Patient, Visit
    >>> ring = Outline(view="top", points=((60, 90), (90, 90), (90, 120), (60, 120)))
    >>> seen = PatchSeen(id="crown", shape=PatchShape(outlines=(ring,)))
    >>> patient = Patient(id="P1", visits=(Visit(date=date(2026, 1, 5), patches=(seen,)),))
    >>> found = forecast_patient(patient, weeks=4)
    >>> found.dataset["patch_cover"].dims
    ('plan', 'patch', 'week', 'quantile')
    """
    _check_plans(patient, plans or {})
    learnt = update(make_case(patient, on), posterior=posterior, seed=seed)
    return forecast_from(learnt, plans, weeks=weeks, seed=seed, asked=on or date.today())


def forecast_from(
    learnt: Learnt,
    plans: "Mapping[str, Plan] | None" = None,
    *,
    weeks: int = 52,
    seed: int = 0,
    asked: date | None = None,
) -> Forecast:
    """Forecast from what the visits taught; see `forecast_patient`.

    Parameters
    ----------
    learnt, plans, weeks, seed : as there.
    asked : day of the question, which tells how old the record is; the origin when None.
    """
    outlook = look_ahead(learnt, plans or {}, weeks, seed=seed)
    return _founded(outlook, check(learnt, seed), asked or learnt.case.origin)


def change_plan(before: Forecast, name: str, plan: "Plan") -> Forecast:
    """Forecast one more plan, or a changed one, beside all others.

    Parameters
    ----------
    before : a forecast; name : of the plan, new or known; plan : in full.
    """
    _check_plans(before.outlook.people.learnt.case.patient, {name: plan})
    outlook = with_plan(before.outlook, name, plan)
    return _founded(outlook, before.diagnostics.check, before.asked)


def change_plans(
    before: Forecast,
    plans: "Mapping[str, Plan]",
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Forecast:
    """Forecast other plans for the same people; only those that are new or changed cost time.

    Parameters
    ----------
    before : a forecast; plans : all that are wanted, by name; others are left out.
    progress : called with (plans done, plans in all).
    """
    _check_plans(before.outlook.people.learnt.case.patient, plans)
    old = before.outlook
    same = {name: plan for name, plan in plans.items() if old.plans.get(name) == plan}
    arms = {name: old.arms[name] for name in (UNTREATED, *same)}
    outlook = replace(old, plans=same, arms=arms)
    for number, name in enumerate(plans, start=1):
        if name not in same:
            outlook = with_plan(outlook, name, plans[name])
        if progress:
            progress(number, len(plans))
    outlook = replace(
        outlook,
        plans=dict(plans),
        arms={name: outlook.arms[name] for name in (UNTREATED, *plans)},
    )
    return _founded(outlook, before.diagnostics.check, before.asked)


def _check_plans(patient: "Patient", plans: "Mapping[str, Plan]") -> None:
    from anagen.errors import InputError, Problem

    problems = [
        Problem(f"plan {name}", f"a plan for {patient.id}", f"one for {plan.patient}",
                "Take the plan made for this patient.")
        for name, plan in plans.items()
        if plan.patient != patient.id
    ]  # fmt: skip
    if problems:
        raise InputError(problems)


def _founded(outlook: Outlook, checked: Check, asked: date) -> Forecast:
    """Put numbers, flags and diagnostics together."""
    learnt = outlook.people.learnt
    case = learnt.case
    worst = checked.worst
    ranked = order_flags(
        (
            *check_flags(checked.p, _words(worst) if worst else None, learnt.effective),
            *_absorbed_flags(checked),
            *record_flags(case.patient, case.origin, case.observations, outlook.weeks,
                          outlook.plans),
            *(flag for flag in record_flags(case.patient, asked) if flag.key == "old-data"),
        )
    )  # fmt: skip
    dataset = summarise(outlook)
    if is_withheld(ranked):
        dataset = dataset.map(
            lambda one: one if one.name in _ALWAYS else np.nan * one, keep_attrs=True
        )
    dataset.attrs = _attributes(case, outlook, checked)
    found = Diagnostics(learnt.effective, learnt.rounds, learnt.evidence,
                        len(case.observations), checked)  # fmt: skip
    return Forecast(dataset, ranked, found, outlook, asked)


def _absorbed_flags(checked: Check) -> tuple[Flag, ...]:
    """Say when the course looks as if injections had not been absorbed."""
    if checked.unabsorbed < limit_of("unabsorbed"):
        return ()
    return (raise_flag("unabsorbed", checked.unabsorbed),)


def _words(visit: VisitCheck) -> str:
    """Name the least likely reading of a visit."""
    one = visit.worst
    where = f" of {one.patch}" if one.patch else ""
    scale = f"{one.value} on a scale of {one.unit}" if one.unit[:1].isdigit() else one.value
    return f"{one.label}{where} on {one.day}, read as {scale}"


def _attributes(case: Case, outlook: Outlook, checked: Check) -> dict[str, str | int | float]:
    learnt = outlook.people.learnt
    return {
        "title": "Anagen forecast",
        "patient": case.patient.id,
        "origin": case.origin.isoformat(),
        "weeks": outlook.weeks,
        "effective": learnt.effective,
        "check_p": checked.p,
        "readings": len(case.observations),
        "model_version": __version__,
        "posterior_version": str(learnt.posterior.about.get("version", "")),
    }
