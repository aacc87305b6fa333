"""Whether a course looks as if injections had not been absorbed: too deep, the wrong vial, lost.

People like the patient are followed once more without the drug of all sessions, or of all but the
first. The Bayes factor is the mean likelihood of all readings under these two, over that with every
session as recorded; as many people again are followed unless the first ones settle it. A person who
does not respond at all would look alike, so the flag asks for a look at depth, product and
technique, and leaves the forecast standing.
"""

from dataclasses import replace

import numpy as np

from anagen.forecast.case import Case
from anagen.forecast.flag_rows import limit_of
from anagen.forecast.update import Learnt, first_evidence

_ABSORBED = (0, 1)  # sessions of which the drug arrives, in the two alternatives
_CLEAR = 0.05  # of the limit of the flag, below which the first people settle it
_CHECKS = (50, 51)  # numbers of the random streams: the first people, and as many more


def unabsorbed_factor(learnt: Learnt, seed: int = 0) -> float:
    """Bayes factor of injections not absorbed against the sessions as recorded.

    Parameters
    ----------
    learnt : what the visits taught; seed : of the random numbers.

    Returns
    -------
    float
        Above 1 speaks for injections that were not absorbed; 1 without readings or sessions.
    """
    case = learnt.case
    days = sorted({dose.day for patch in case.patches for dose in patch.doses})
    kept = [count for count in _ABSORBED if count < len(days)]
    if not case.observations or not kept:
        return 1.0
    others = [_only(case, set(days[:count])) for count in kept]
    found: list[float] = []
    for stream in _CHECKS:
        found += [
            first_evidence(other, learnt.prior, learnt.posterior, (seed, stream))
            for other in others
        ]
        without = float(np.logaddexp.reduce(found)) - np.log(len(found))
        factor = float(np.exp(np.clip(without - learnt.evidence, -50.0, 50.0)))
        if factor < _CLEAR * limit_of("unabsorbed"):
            break
    return factor


def _only(case: Case, days: set[object]) -> Case:
    """Give the same case with the doses of some days only."""
    return replace(
        case,
        patches=tuple(
            replace(patch, doses=tuple(dose for dose in patch.doses if dose.day in days))
            for patch in case.patches
        ),
    )
