"""Pain of the sessions to come, for this person: those past tell how much it hurts them."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from anagen.biology.exposure import given
from anagen.biology.pain import session_pain
from anagen.evidence.parameters import ParameterSet
from anagen.forecast.case import Case
from anagen.forecast.observations import pain_seen
from anagen.forecast.prior import Values, forecast_numbers

if TYPE_CHECKING:
    from anagen.treatment import Session
    from anagen.treatment.injections import Comfort

    Comforts = tuple[Comfort, ...]

_TOP = 10.0  # end of the numeric rating scale
_MOST = 9.9  # score at which the open scale is cut off


def pain_quantiles(case: Case, sessions: "Sequence[Session]", levels: Sequence[float]) -> Values:
    """Quantiles of the worst pain of the worst session to come, 0-10.

    On the open scale of `anagen.biology.pain` people differ by a factor whose logarithm is normal;
    remembered scores of past sessions narrow it.

    Parameters
    ----------
    case : the patient; sessions : to come; levels : of the quantiles.

    Returns
    -------
    (level,)
        NaN without a session.
    """
    from scipy.special import ndtri

    if not sessions:
        return np.full(len(levels), np.nan)
    spread = case.parameters.value("pain.person_spread", "1")
    middle, left = _own(case, spread)
    worst = max(_open(_expected(case, session)) for session in sessions)
    x = worst * np.exp(middle + left * ndtri(np.asarray(levels)))
    return np.asarray(_TOP * -np.expm1(-x / _TOP))


def _own(case: Case, spread: float) -> tuple[float, float]:
    """Mean and standard deviation of the logarithm of this person's factor."""
    error = forecast_numbers()["pain_memory"].value
    precision, total = 1.0 / spread**2, 0.0
    for day, score in pain_seen(case.patient, case.until):
        before = [one for one in case.given if one.date <= day]
        if before:
            total += np.log(_open(score) / _open(_expected(case, before[-1]))) / error**2
            precision += 1.0 / error**2
    return total / precision, float(np.sqrt(1.0 / precision))


def _expected(case: Case, session: "Session") -> float:
    sites = tuple((i.volume_mL, float(i.needle_gauge), i.depth_mm) for i in given(session))
    return _score(case.parameters, sites, tuple(session.comfort))


@lru_cache(maxsize=256)
def _score(
    parameters: ParameterSet, sites: tuple[tuple[float, float, float], ...], comfort: "Comforts"
) -> float:
    volumes, gauges, depths = zip(*sites, strict=True) if sites else ((), (), ())
    return session_pain(parameters, volumes, gauges, depths, comfort).score


def _open(score: float) -> float:
    """Score 0-10 on the open scale; none at all is taken for half a point."""
    return float(-_TOP * np.log1p(-min(max(score, 0.5), _MOST) / _TOP))
