"""Chance that thinned skin shows: local harms of `anagen.population.model`, by person."""

import numpy as np

from anagen.forecast.prior import Values


def visible_odds(thinning: Values, half: Values, width: Values) -> Values:
    """Odds of visible atrophy at a thinning; none where the skin is not thinned.

    Parameters
    ----------
    thinning : [1] greatest so far of the thinnest tenth; half, width : [1] of each person's
        population, broadcasting against it.

    Examples
    --------
    >>> float(visible_odds(np.array(0.0), np.array(0.8), np.array(0.1)))
    0.0
    """
    odds = np.exp((thinning - half) / width) - np.exp(-half / width)
    return np.asarray(np.maximum(odds, 0.0), float)


def visible(odds: Values, ratio: float = 1.0) -> Values:
    """Chance of a harm whose odds are a ratio of those of atrophy.

    Examples
    --------
    >>> float(visible(np.array(1.0)))
    0.5
    """
    return np.asarray(ratio * odds / (1.0 + ratio * odds))
