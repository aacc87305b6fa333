"""What a worker computes, by kind of job; the same functions as the command line calls."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from importlib import import_module
from typing import TYPE_CHECKING, Any

from anagen.errors import InputError, Problem
from anagen.web.api.job_models import (
    TASK_REQUEST,
    Asked,
    CheckRequested,
    CheckResult,
    CompareRequested,
    CompareResult,
    DocumentRequested,
    DocumentResult,
    ForecastRequested,
    HairRequested,
    HairResult,
    PatchSeries,
    PlanRequested,
    PlanResult,
    PlanRow,
    ReviewRequested,
    ReviewResult,
    SimulateRequested,
    SimulateResult,
    TaskRequest,
    TaskResult,
)

if TYPE_CHECKING:
    import xarray as xr

    from anagen.forecast.predict import Forecast
    from anagen.patient import Patient
    from anagen.treatment import Plan
    from anagen.treatment.binding import BindingLimit

Progress = Callable[[int, int], None]

# Forecasts kept so that a changed plan costs only the change; each holds some ten megabytes.
_MOST_RECENT = 4
_REVIEW_WEEKS = 52
_BEYOND = 1e9


class _Recent:
    """The last few forecasts, by what they were asked."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Forecast] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> "Forecast | None":
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: str, made: "Forecast") -> None:
        with self._lock:
            self._kept[key] = made
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST_RECENT:
                self._kept.popitem(last=False)


_recent = _Recent()


def run_task(kind: str, request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Compute a job.

    Parameters
    ----------
    kind : plan, check, simulate, forecast, compare, review, hair or document.
    request : as `anagen.web.api.job_models` describes it, with the patient in full.
    progress : called with (steps done, steps in all).

    Returns
    -------
    dict
        The result model of that kind, as plain data.

    Raises
    ------
    InputError
        When the request cannot be used.
    """
    asked = TASK_REQUEST.validate_python({**request, "kind": kind})
    return answer(asked, progress).model_dump(mode="json")


def answer(asked: TaskRequest, progress: Progress) -> TaskResult:
    """Compute what was asked; see `run_task`."""
    found: TaskResult
    match asked:
        case PlanRequested():
            found = _plan(asked)
        case CheckRequested():
            found = _check(asked)
        case SimulateRequested():
            found = _simulate(asked, progress)
        case ForecastRequested():
            found = _forecast(asked, progress)
        case CompareRequested():
            found = _compare(asked, progress)
        case ReviewRequested():
            found = _review(asked, progress)
        case HairRequested():
            found = _hair(asked, progress)
        case DocumentRequested():
            found = _document(asked, progress)
    return found


def warm_up() -> None:
    """Load everything, and compile the commonest forecast."""
    for name in ("compare", "update"):
        import_module(f"anagen.forecast.{name}")
    for request in _commonest():
        answer(request, lambda done, total: None)


def _commonest() -> tuple[TaskRequest, ...]:
    """Make requests about nobody, of the usual size."""
    from anagen.patient import PatchSeen, Patient, Visit
    from anagen.scalp import PatchShape, circle_outline

    shape = PatchShape(outlines=(circle_outline("top", 90.0, 90.0, 30.0),))
    days = (date(2026, 1, 5), date(2026, 2, 2))
    visits = tuple(
        Visit(date=day, patches=(PatchSeen(id="A", shape=shape, regrowth_percent=percent),))
        for day, percent in zip(days, (0.0, 10.0), strict=True)
    )
    patient = Patient(id="warm-up", visits=visits)
    return (ForecastRequested(patient=patient),)


def _plan(asked: PlanRequested) -> PlanResult:
    from anagen.patient.plans import PlanRequest, judge, plan_patient

    patient, warnings = _patient(asked)
    request = PlanRequest(
        asked.protocol, asked.start, asked.sessions, asked.changes, asked.leave_out
    )
    made = plan_patient(patient, request)
    verdict = judge(patient, made, asked.profile, None)
    made = made.model_copy(update={"findings": verdict.findings})
    return PlanResult(plan=made, blocked=verdict.blocked, limits=_sendable(verdict.limits),
                      warnings=warnings)  # fmt: skip


def _sendable(limits: "Sequence[BindingLimit]") -> "tuple[BindingLimit, ...]":
    """Limits with a finite share: JSON has no infinity, as of an interval of 0 days."""
    return tuple(replace(one, fraction=min(one.fraction, _BEYOND)) for one in limits)


def _check(asked: CheckRequested) -> CheckResult:
    from anagen.patient.plans import judge

    patient, warnings = _patient(asked)
    _require_mine(patient, {} if asked.plan is None else {"plan": asked.plan})
    verdict = judge(patient, asked.plan, asked.profile, asked.on)
    return CheckResult(
        blocked=verdict.blocked,
        findings=verdict.findings,
        limits=_sendable(verdict.limits),
        warnings=warnings,
    )


def _simulate(asked: SimulateRequested, progress: Progress) -> SimulateResult:
    from anagen.biology import Follicles, simulate_patient
    from anagen.report.course_data import course_data

    patient, _ = _patient(asked)
    _require_mine(patient, {} if asked.plan is None else {"plan": asked.plan})
    course = simulate_patient(
        patient,
        asked.plan,
        weeks=asked.weeks,
        treated=asked.treated,
        follicles=Follicles(seed=asked.seed) if asked.follicles else None,
        progress=progress,
    )
    shown = course_data(course)
    names = ("patient", "protocol", "start_date", "parameter_set", "mode", "notes", "injected_mg",
             "lowest_morning_cortisol", "thinnest_dermis", "highest_pain")  # fmt: skip
    return SimulateResult(
        **{name: shown[name] for name in names},
        model_version=str(course.attrs.get("model_version", "")),
        **_course_series(course),
    )


def _course_series(course: "xr.Dataset") -> dict[str, Any]:
    from anagen.web.forecast_answer import series

    daily = course.sel(day=course["time"].values, method="nearest")
    return {
        "weeks": tuple(float(day) / 7 for day in course["time"].values),
        "salt_percent": series(course["salt"].values),
        "cumulative_mg": series(daily["cumulative_dose"].values),
        "morning_cortisol": series(daily["cortisol_morning"].values),
        "patches": tuple(
            PatchSeries(
                patch=str(name),
                cover=series(course["patch_cover"].sel(patch=name).values),
                regrowth=series(course["patch_regrowth"].sel(patch=name).values),
                area_cm2=series(course["patch_area"].sel(patch=name).values),
                thinning=series(course["patch_thinning"].sel(patch=name).values),
            )
            for name in course["patch"].values
        ),
    }


def _forecast(asked: ForecastRequested, progress: Progress) -> TaskResult:
    from anagen.patient.plans import plans_or_default
    from anagen.web.forecast_answer import forecast_result

    patient, _ = _patient(asked)
    _require_mine(patient, asked.plans)
    plans = plans_or_default(patient, asked.plans, asked.on)
    made = _forecast_of(patient, plans, asked.weeks, asked.on, asked.seed, progress)
    return forecast_result(made, asked.seed, {} if asked.plans else plans)


def _forecast_of(
    patient: "Patient",
    plans: "Mapping[str, Plan]",
    weeks: int,
    on: date | None,
    seed: int,
    progress: Progress,
) -> "Forecast":
    """Forecast, from a recent forecast of the same patient where there is one."""
    from anagen.forecast import case, predict, update

    asked = on or date.today()
    words = f"{patient.model_dump_json()}|{on}|{asked}|{weeks}|{seed}"
    key = hashlib.sha256(words.encode()).hexdigest()
    before = _recent.get(key)
    if before is None:
        total = 3
        learnt = update.update(case.make_case(patient, on), seed=seed)
        progress(1, total)
        made = predict.forecast_from(learnt, plans, weeks=weeks, seed=seed, asked=asked)
        progress(2, total)
    else:
        total = len(plans) + 1
        made = predict.change_plans(before, plans, progress=lambda done, _: progress(done, total))
    _recent.put(key, made)
    progress(total, total)
    return made


def _compare(asked: CompareRequested, progress: Progress) -> CompareResult:
    from anagen.forecast.candidates import candidate_plans
    from anagen.forecast.compare import compare_plans

    patient, _ = _patient(asked)
    weights: dict[str, float] | None = None
    if asked.preference is not None:
        weights = {str(name): weight for name, weight in asked.preference.items()}
    chosen = candidate_plans(patient, on=asked.on, profile=asked.profile)
    found = compare_plans(
        patient, weeks=asked.weeks, profile=asked.profile, preference=weights,
        on=asked.on, candidates=chosen, seed=asked.seed, progress=progress,
    )  # fmt: skip
    picked = {pick.name for pick in found.picks}
    rows = [
        _row(str(name), row.to_dict())
        for number, (name, row) in enumerate(found.table.iterrows())
        if number < asked.rows or name in picked
    ]
    return CompareResult(
        compared=len(found.table),
        weights={str(name): float(weight) for name, weight in found.weights.items()},
        picks=found.picks,
        trade=found.trade,
        ties=found.ties,
        notes=found.notes,
        rows=tuple(rows),
        plans={one.name: one.plan for one in chosen if one.name in picked},
    )


def _row(name: str, row: Mapping[Any, Any]) -> PlanRow:
    from anagen.report.forecast_data import plain

    values = {str(key): plain(value) for key, value in row.items()}
    return PlanRow(name=name, **{key: values[key] for key in PlanRow.model_fields if key != "name"})


def _review(asked: ReviewRequested, progress: Progress) -> ReviewResult:
    from anagen.forecast.review_patient import review_patient
    from anagen.web.forecast_answer import forecast_result

    patient, _ = _patient(asked)
    _require_mine(patient, asked.plans)

    def forecast(patient: "Patient", plans: "Mapping[str, Plan]") -> "Forecast":
        return _forecast_of(patient, plans, _REVIEW_WEEKS, asked.on, asked.seed, progress)

    found, made = review_patient(
        patient, asked.plans, profile=asked.profile, on=asked.on, forecast=forecast
    )
    return ReviewResult(
        review=found,
        flags=() if made is None else made.flags,
        forecast=None if made is None else forecast_result(made, asked.seed, {}),
    )


def _hair(asked: HairRequested, progress: Progress) -> HairResult:
    from anagen.forecast import pictured
    from anagen.patient.plans import plans_or_default
    from anagen.report.hair_view import LABELS, hair_view, packed

    patient, _ = _patient(asked)
    _require_mine(patient, {} if asked.plan is None else {"plan": asked.plan})
    given = {} if asked.plan is None else {asked.plan.protocol: asked.plan}
    plans = plans_or_default(patient, given, asked.on)
    ((name, plan),) = plans.items()
    steps = 3
    made = _forecast_of(
        patient, plans, asked.weeks, asked.on, asked.seed, lambda done, total: progress(0, steps)
    )
    answer: dict[str, Any] = {"courses": (), "weeks": (), "labels": {}, "data": ""}
    if not made.withheld:
        progress(1, steps)
        pairs = pictured.paired_courses(made.outlook, name)
        progress(2, steps)
        case = made.outlook.people.learnt.case
        view = hair_view(case.scalp, pairs, skin_type=patient.skin_type, most=asked.hairs)
        answer = {"courses": view.courses, "weeks": view.weeks, "data": packed(view),
                  "labels": {course: LABELS[course] for course in view.courses}}  # fmt: skip
    progress(steps, steps)
    return HairResult(
        patient=patient.id,
        origin=made.outlook.people.learnt.case.origin,
        plan=plan,
        withheld=made.withheld,
        flags=made.flags,
        **answer,
    )


def _document(asked: DocumentRequested, progress: Progress) -> DocumentResult:
    from anagen.web.document_task import set_document

    patient, _ = _patient(asked)
    _require_mine(patient, {} if asked.plan is None else {"plan": asked.plan})

    def forecast(patient: "Patient", plans: "Mapping[str, Plan]") -> "Forecast":
        # One step more than the forecast has: setting what it says.
        return _forecast_of(patient, plans, _REVIEW_WEEKS, asked.on, asked.seed,
                            lambda done, total: progress(done, total + 1))  # fmt: skip

    return set_document(asked, patient, forecast, progress)


def _patient(asked: Asked) -> tuple["Patient", tuple[Problem, ...]]:
    """Patient of a request, and what is odd about the record.

    Raises
    ------
    InputError
        When there is none, or something in it is impossible.
    """
    from dataclasses import replace

    from anagen.patient import check_patient

    if asked.patient is None:
        raise InputError(
            Problem("patient", "a patient in full", "only a number", "Fill it in from the record.")
        )
    issues = check_patient(asked.patient)
    errors = [issue for issue in issues if issue.severity == "error"]
    found = [issue.problem() for issue in errors or issues]
    placed = tuple(replace(one, place=f"patient.{one.place}") for one in found)
    if errors:
        raise InputError(placed)
    return asked.patient, placed


def _require_mine(patient: "Patient", plans: "Mapping[str, Plan]") -> None:
    problems = [
        Problem(f"plans.{name}" if name != "plan" else name, f"a plan for {patient.id}",
                f"one for {plan.patient}", "Take the plan made for this patient.")
        for name, plan in plans.items()
        if plan.patient != patient.id
    ]  # fmt: skip
    if problems:
        raise InputError(problems)
