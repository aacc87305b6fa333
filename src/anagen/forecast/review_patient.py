"""A review with the forecast of what can be done, made for it."""

from collections.abc import Callable, Mapping
from datetime import date

from anagen.forecast.predict import Forecast
from anagen.forecast.review import Review, review, review_plans
from anagen.patient import Patient
from anagen.treatment import Plan


def review_patient(
    patient: Patient,
    plans: Mapping[str, Plan],
    *,
    profile: str | None = None,
    on: date | None = None,
    forecast: Callable[[Patient, Mapping[str, Plan]], Forecast],
) -> tuple[Review, Forecast | None]:
    """Hold the course against the gates of a profile, with the forecast of what can be done.

    Parameters
    ----------
    patient : the record; plans : by name; those of `anagen.forecast.review.review_plans` when
        empty.
    profile : whose gates and limits hold; on : day of the review.
    forecast : makes the forecast of some plans.

    Returns
    -------
    Review, and the forecast behind it; None when nothing can be forecast from the record.
    """
    chosen = dict(plans) or review_plans(patient, on, profile)
    made = forecast(patient, chosen) if chosen else None
    return review(patient, on=on, profile=profile, forecast=made), made
