"""Order among plans: the Pareto set, who dominates whom, and a utility under weights."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from anagen.forecast.choices import CRITERIA, Criterion

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

_MORE_IS_BETTER = ("regrowth",)


def dominance(gain: "Values") -> "NDArray[np.bool_]":
    """Whether one plan dominates another: nowhere worse, somewhere better.

    Parameters
    ----------
    gain : (plan, criterion), more is better in every column.

    Returns
    -------
    (plan, plan) bool
        True where the plan of the row dominates that of the column.

    Examples
    --------
    >>> import numpy as np
    >>> dominance(np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 2.0]])).tolist()
    [[False, True, False], [False, False, False], [False, False, False]]
    """
    import numpy as np

    nowhere_worse = np.all(gain[:, None] >= gain[None], axis=-1)
    somewhere_better = np.any(gain[:, None] > gain[None], axis=-1)
    return np.asarray(nowhere_worse & somewhere_better)


def gains(table: "pd.DataFrame") -> "Values":
    """Criteria of a table as (plan, criterion), more is better in every column."""
    import numpy as np

    signs = np.array([1.0 if name in _MORE_IS_BETTER else -1.0 for name in CRITERIA])
    values: Values = table[list(CRITERIA)].to_numpy(float) * signs
    return values


def utility(
    gain: "Values", front: "NDArray[np.bool_]", weights: Mapping[Criterion, float]
) -> "Values":
    """Weighted distance from the worst to the best of the Pareto set, by plan.

    Parameters
    ----------
    gain : (plan, criterion), more is better.
    front : (plan,) which plans are of the Pareto set.
    weights : by criterion, of sum 1.

    Returns
    -------
    (plan,) float
        0 to 1 on the front; a plan off it may fall below 0.

    Examples
    --------
    >>> import numpy as np
    >>> gain = np.array([[0.2, 0, 0, 0, 0], [0.6, 0, -10, 0, 0]])
    >>> equal = dict.fromkeys(CRITERIA, 0.2)
    >>> utility(gain, np.array([True, True]), equal).round(2).tolist()
    [0.2, 0.2]
    """
    import numpy as np

    low, high = gain[front].min(axis=0), gain[front].max(axis=0)
    span = np.where(high > low, high - low, np.inf)
    weight = np.array([weights[name] for name in CRITERIA])
    return np.asarray((gain - low) / span @ weight)


def rank(
    table: "pd.DataFrame", weights: Mapping[Criterion, float], default: Mapping[Criterion, float]
) -> "pd.DataFrame":
    """Add pareto, dominated_by, utility, balance and rank to a table, and order it.

    Parameters
    ----------
    table : criteria and ``blocked``, a row a plan; at least one is not blocked.
    weights : what the order rests on, by criterion, of sum 1.
    default : the weights of ``balance``, which also settles what is equal under ``weights``.

    Returns
    -------
    pandas.DataFrame
        Best first, blocked plans last and without rank or utility.
    """
    import numpy as np
    import pandas as pd

    table = table.sort_index()
    blocked = table["blocked"].to_numpy(bool)
    gain = gains(table[~blocked])
    beats = dominance(gain)
    front = np.asarray(~np.any(beats, axis=0))
    useful, balance = utility(gain, front, weights), utility(gain, front, default)
    names = table.index[~blocked].to_numpy()
    best_first = np.lexsort((np.arange(len(names)), -balance))
    dominated = [
        next((names[row] for row in best_first if front[row] and beats[row, column]), "")
        for column in range(len(names))
    ]
    added = pd.DataFrame(
        {"pareto": front, "dominated_by": dominated, "utility": useful, "balance": balance},
        index=names,
    )
    order = np.lexsort((np.arange(len(names)), -balance.round(12), ~front, -useful.round(12)))
    added["rank"] = pd.Series(np.arange(1, len(names) + 1), index=names[order])
    full = table.join(added)
    full["pareto"] = full["pareto"].eq(True)
    full["dominated_by"] = full["dominated_by"].fillna("")
    full["rank"] = full["rank"].astype("Int64")
    return full.loc[[*names[order], *table.index[blocked]]]
