"""From a record to the facts that the rules of treatment ask for."""

from datetime import date, timedelta
from typing import Any

from anagen.patient.quantities import plausible
from anagen.patient.record import PatchSeen, Patient, Visit
from anagen.patient.timeline import (
    age_on,
    given_mg,
    latest_patches,
    latest_visit,
    product_triamcinolone_mg,
    regrowth_history,
    visits_until,
)
from anagen.patient.vocabulary import triamcinolone_mg
from anagen.treatment.facts import Facts, OtherSteroidDose, PatchFacts, Regrowth, SessionGiven


def facts(patient: Patient, on: date) -> Facts:
    """State what the rules need to know about a patient on one day.

    Parameters
    ----------
    patient : the record; what lies after the day is not looked at.
    on : the day.

    Returns
    -------
    Facts
        None stands wherever nothing is recorded.

    Examples
    --------
    >>> facts(Patient(id="P1", weight_kg=70), date(2025, 3, 1)).weight_kg
    70.0
    """
    visit = latest_visit(patient, on)
    weights = [v.weight_kg for v in visits_until(patient, on) if v.weight_kg is not None]
    sessions = sessions_given(patient, on)
    start = course_start(patient, on)
    return Facts(
        on=on,
        age_years=age_on(patient, on),
        weight_kg=weights[-1] if weights else patient.weight_kg,
        is_neonate=None if patient.born is None else on - patient.born < _days("neonate"),
        **_copied(patient),
        signs=() if visit is None else (*visit.signs, *visit.adverse_events),
        patches=tuple(
            _patch_facts(patient, seen, on, start) for seen in latest_patches(patient, on).values()
        ),
        sessions_given=sessions,
        other_steroids=_other_steroids(patient, on),
        treatment_start=start,
        last_review=_last_review(patient, on),
        salt_start=_salt_start(patient, on, start),
        salt_now=_last(patient, on, salt_of),
        aa_scale=_last(patient, on, lambda seen: seen.aa_scale),
        pull_test_positive=None if visit is None else _pull_test_positive(visit),
        morning_cortisol_on=_last(
            patient,
            on,
            lambda seen: None if seen.morning_cortisol_nmol_per_L is None else seen.date,
        ),
        bone_density_on=patient.bone_density_on,
    )


def sessions_given(patient: Patient, on: date) -> tuple[SessionGiven, ...]:
    """Doses of all sessions up to a day, as triamcinolone [mg], in order of date."""
    rows = []
    for session in patient.sessions:
        doses: dict[str, float] = {}
        volumes: dict[str, float] = {}
        dose = 0.0
        for injection in session.injections:
            amount = product_triamcinolone_mg(injection.product, given_mg(injection)) or 0.0
            dose += amount
            if injection.patch is not None and injection.status != "skipped":
                doses[injection.patch] = doses.get(injection.patch, 0.0) + amount
                volumes[injection.patch] = volumes.get(injection.patch, 0.0) + injection.volume_mL
        rows.append(
            SessionGiven(
                date=session.date,
                dose_mg=dose,
                volume_mL=session.total_mL,
                patch_mg=doses,
                patch_mL=volumes,
            )
        )
    for summary in patient.session_summaries:
        shares: dict[str, float] = {}
        for patch in summary.patches:
            if patch.patch is not None:
                amount = product_triamcinolone_mg(summary.product, patch.dose_mg) or 0.0
                shares[patch.patch] = shares.get(patch.patch, 0.0) + amount
        total = product_triamcinolone_mg(summary.product, summary.total_mg) or 0.0
        rows.append(
            SessionGiven(
                date=summary.date, dose_mg=total, volume_mL=summary.total_mL or 0.0, patch_mg=shares
            )
        )
    given = (row for row in rows if row.date <= on)
    return tuple(sorted(given, key=lambda row: row.date))


def course_start(patient: Patient, on: date) -> date | None:
    """First session of the present course: since the last pause of a year; None before it."""
    start: date | None = None
    last: date | None = None
    for row in sessions_given(patient, on):
        if last is None or row.date - last >= _days("course_pause"):
            start = row.date
        last = row.date
    return None if last is None or on - last >= _days("course_pause") else start


def salt_of(visit: Visit) -> float | None:
    """SALT score of a visit [%]: as written, else from the losses when all four are there."""
    if visit.salt_percent is not None:
        return visit.salt_percent
    if visit.loss_percent is None:
        return None
    from anagen.evidence.scales import load_scales

    losses = visit.loss_percent.model_dump()
    if any(loss is None for loss in losses.values()):
        return None
    return float(sum(part * losses[view] for view, part in load_scales().salt_weights.items()))


def _days(key: str) -> timedelta:
    return timedelta(days=plausible(key).possible[1])


def _copied(patient: Patient) -> dict[str, Any]:
    names = (
        "sex",
        "height_cm",
        "head_circumference_mm",
        "skin_type",
        "pregnant",
        "breast_feeding",
        "post_menopausal",
        "smoker",
        "allergies",
        "medicines",
    )
    fields = {name: getattr(patient, name) for name in names}
    autoimmune = patient.history.autoimmune
    conditions = patient.conditions
    if conditions is not None or autoimmune is not None:
        conditions = tuple(dict.fromkeys((*(conditions or ()), *(autoimmune or ()))))
    return {**fields, "conditions": conditions}


def _patch_facts(patient: Patient, seen: PatchSeen, on: date, start: date | None) -> PatchFacts:
    history = regrowth_history(patient, seen.id, on) if start is not None else []
    return PatchFacts(
        id=seen.id,
        site=seen.site,
        infection=seen.infection,
        atrophy_grade=seen.atrophy_grade,
        telangiectasia_grade=seen.telangiectasia_grade,
        pigment_grade=seen.colour_change_grade,
        blocked=seen.blocked,
        regrowth=tuple(
            Regrowth(weeks=(row.date - start) / timedelta(weeks=1), percent=row.percent)
            for row in history
            if start is not None and row.date >= start
        ),
    )


def _other_steroids(patient: Patient, on: date) -> tuple[OtherSteroidDose, ...]:
    return tuple(
        OtherSteroidDose(
            drug=steroid.drug,
            route=steroid.route,
            date=steroid.start,
            until=steroid.end,
            triamcinolone_mg=triamcinolone_mg(steroid.drug, steroid.total_mg),
        )
        for steroid in patient.other_steroids
        if steroid.start <= on
    )


def _last_review(patient: Patient, on: date) -> date | None:
    judged = (
        visit.date
        for visit in visits_until(patient, on)
        if any(
            s.regrowth_percent is not None or s.regrowth_grade is not None for s in visit.patches
        )
    )
    return max(judged, default=None)


def _salt_start(patient: Patient, on: date, start: date | None) -> float | None:
    """SALT of the last visit before the course, or on its first day."""
    return None if start is None else _last(patient, min(on, start), salt_of)


def _last(patient: Patient, on: date, field: Any) -> Any:
    values = [field(visit) for visit in visits_until(patient, on)]
    return next((value for value in reversed(values) if value is not None), None)


def _pull_test_positive(visit: Visit) -> bool | None:
    counts = (visit.pull_test_hairs, *(seen.pull_test_hairs for seen in visit.patches))
    hairs = [count for count in counts if count is not None]
    if not hairs:
        return None
    from anagen.evidence.scales import load_scales

    return max(hairs) > load_scales().pull["more_than_two"].limit
