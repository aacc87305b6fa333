"""Compare plans: which are dominated, what a preference prefers, what the next milligram buys."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from anagen.forecast.candidates import Candidate
from anagen.forecast.choices import Criterion, load_weights
from anagen.forecast.comparison_table import (
    Forecasted,
    candidate_rows,
    check_comparison,
    forecast_table,
    scaled_weights,
)
from anagen.forecast.ranking import rank

if TYPE_CHECKING:
    import pandas as pd

Role = Literal[
    "balanced", "preferred", "most regrowth", "gentlest on skin", "fewest visits", "least drug",
    "named protocol", "no injections",
]  # fmt: skip

# Regrowth nearer than this is no step of the front.
_SAME = 1e-6


@dataclass(frozen=True)
class Pick:
    """One plan worth looking at, and why.

    Parameters
    ----------
    role : what it is best at, or that it is a named protocol.
    name : of the candidate.
    benefit, harm, limit : a sentence each; the limit is the one that binds first.
    note : which plan dominates it, and what else it is.
    source : references that support the plan; ``assumed`` where there are none.
    """

    role: Role
    name: str
    benefit: str
    harm: str
    limit: str
    note: str
    source: str


@dataclass(frozen=True)
class Trade:
    """What more drug buys between two neighbours on the front.

    Parameters
    ----------
    from_name, to_name : the plan with less and the one with more drug.
    extra_mg : steroid more [mg].
    regrowth_points, atrophy_points : gained, in points of per cent.
    sentence : the same in words.
    """

    from_name: str
    to_name: str
    extra_mg: float
    regrowth_points: float
    atrophy_points: float
    sentence: str

    @property
    def regrowth_per_mg(self) -> float:
        """Points of regrowth that one more milligram buys [%/mg]."""
        return self.regrowth_points / self.extra_mg

    @property
    def atrophy_per_mg(self) -> float:
        """Points of atrophy that one more milligram costs [%/mg]."""
        return self.atrophy_points / self.extra_mg


@dataclass(frozen=True)
class Comparison:
    """Plans side by side.

    Parameters
    ----------
    table : a row a candidate, best first, blocked ones last: the forecast and kind, blocked,
        reason (why it is blocked), pareto, dominated_by, utility, balance (the utility under the
        default weights) and rank.
    picks : several, named protocols always among them; never one alone while others are allowed.
    trade : along the front, from less drug to more.
    ties : which picks cannot be told apart.
    notes : what else must be known, such as protocols that are blocked.
    weights : what the order rests on, of sum 1.
    """

    table: "pd.DataFrame"
    picks: tuple[Pick, ...]
    trade: tuple[Trade, ...]
    ties: tuple[str, ...]
    notes: tuple[str, ...]
    weights: Mapping[Criterion, float]


def compare(
    forecast: "Forecasted | pd.DataFrame",
    candidates: Sequence[Candidate],
    *,
    preference: Mapping[str, float] | None = None,
) -> Comparison:
    """Compare candidates by what is forecast for each.

    The Pareto set holds the plans that no other plan equals or beats in everything and beats in
    something: more regrowth; less atrophy, drug and pain; fewer visits. Utility of a plan is the
    sum over these of weight times how far it lies from the worst (0) to the best (1) of the Pareto
    set; what is the same in all of that set counts nothing. The scale is that of the Pareto set so
    that a plan nobody would choose moves nothing. Blocked plans are shown and take no part.

    Parameters
    ----------
    forecast : a forecast of all candidates by name, or a table indexed by name with the columns
        `anagen.forecast.comparison_table.COLUMNS`: shares [1], drug [mg], pain [0-10]. Blocked
        candidates may be missing.
    candidates : the plans.
    preference : weight of each criterion, 0 or more, scaled to sum 1; those left out count 0.
        None for the weights of ``choices.toml``, which are assumed.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        When there is no candidate, all are blocked, a name or weight is unknown or missing, or a
        forecast is no number; all problems together.

    Examples
    --------
    >>> import pandas as pd
    >>> from anagen.forecast.candidates import Design
    >>> from anagen.forecast.comparison_table import COLUMNS
    >>> from anagen.treatment import Plan
    >>> rows = pd.DataFrame(0.0, index=["weak", "strong", "wasteful"], columns=list(COLUMNS))
    >>> rows["regrowth"], rows["mg"] = [0.4, 0.6, 0.5], [10.0, 20.0, 30.0]
    >>> empty = Plan(protocol="custom", patient="P1")
    >>> plans = [Candidate(name, empty, "variation", (), False, None, Design())
    ...          for name in rows.index]
    >>> compare(rows, plans).table["dominated_by"]["wasteful"]
    'strong'
    """
    table = forecast_table(forecast)
    check_comparison(table, candidates, preference)
    default = {name: weight.value for name, weight in load_weights().items()}
    weights = default if preference is None else scaled_weights(preference)
    ranked = rank(candidate_rows(table, candidates), weights, default)
    named = {candidate.name: candidate for candidate in candidates}
    picks = tuple(
        _pick(role, name, ranked, named[name])
        for role, name in _chosen(ranked, preference is not None)
    )
    return Comparison(
        table=ranked,
        picks=picks,
        trade=tuple(_trades(ranked)),
        ties=tuple(_ties(ranked, picks)),
        notes=tuple(_notes(ranked, named)),
        weights=weights,
    )


# ---- which plans are shown ----------------------------------------------------------------------


def _chosen(table: "pd.DataFrame", stated: bool) -> Iterator[tuple[Role, str]]:
    """Roles and names; among plans that inject for what leaving it out would always win."""
    front = table[table["pareto"]]
    treating = front[front["visits"] > 0]
    among = treating if len(treating) else front
    if stated:
        yield "preferred", str(front.index[0])
    yield "balanced", _best(front, "balance", most=True)
    yield "most regrowth", _best(front, "regrowth", most=True)
    yield "gentlest on skin", _best(among, "atrophy")
    yield "fewest visits", _best(among, "visits")
    yield "least drug", _best(among, "mg")
    allowed = table[~table["blocked"]]
    for name in sorted(allowed.index[allowed["kind"] == "named protocol"]):
        yield "named protocol", str(name)
    for name in allowed.index[allowed["kind"] == "stop"]:
        yield "no injections", str(name)


def _best(table: "pd.DataFrame", column: str, *, most: bool = False) -> str:
    """Name of the extreme plan; equal ones by the default weights, then by name."""
    ordered = table.sort_index().sort_values("balance", ascending=False, kind="stable")
    ordered = ordered.sort_values(column, ascending=not most, kind="stable")
    return str(ordered.index[0])


def _pick(role: Role, name: str, table: "pd.DataFrame", candidate: Candidate) -> Pick:
    row = table.loc[name]
    sources = ", ".join(candidate.sources) or "assumed"
    weighed = role == "balanced"
    return Pick(
        role=role,
        name=name,
        benefit=_benefit(row),
        harm=_harm(row),
        limit=_limit(candidate),
        note=_note(row, candidate),
        source=f"{sources}; weights assumed" if weighed else sources,
    )


# ---- in words ----------------------------------------------------------------------------------


def _percent(share: float) -> float:
    from anagen.units import convert

    return convert(share, "1", "%")


def _range(row: Any, name: str) -> str:
    low, high = _percent(row[f"{name}_low"]), _percent(row[f"{name}_high"])
    return f"{_percent(row[name]):.0f} % ({low:.0f}-{high:.0f})"


def _benefit(row: Any) -> str:
    text = f"Regrowth {_range(row, 'regrowth')} of the bald area, 80 % interval"
    if math.isfinite(row["chance_75"]):
        text += f"; {_percent(row['chance_75']):.0f} of 100 like this reach three quarters"
    return f"{text}."


def _harm(row: Any) -> str:
    text = f"Visible atrophy in {_range(row, 'atrophy')} of people, worst patch; "
    if row["visits"] > 0:
        text += f"{row['mg']:.3g} mg in {row['visits']:.0f} visits, pain {row['pain']:.1f} of 10"
    else:
        text += "no further steroid, visit or needle"
    if math.isfinite(row["relapse"]):
        text += f"; relapse {_percent(row['relapse']):.0f} %"
    return f"{text}."


def _limit(candidate: Candidate) -> str:
    if candidate.binding is None:
        return "No limit of the profile binds."
    warned = dict.fromkeys(f.title or f.rule for f in candidate.findings if f.severity == "warn")
    rules = f" Warnings: {'; '.join(warned)}." if warned else ""
    return f"Binds first: {candidate.binding}.{rules}"


def _note(row: Any, candidate: Candidate) -> str:
    parts = []
    if row["dominated_by"]:
        parts.append(f"Dominated: {row['dominated_by']} is nowhere worse and somewhere better.")
    if candidate.also:
        parts.append(f"The same plan as: {'; '.join(candidate.also)}.")
    return " ".join(parts)


def _overlap(first: Any, second: Any, name: str) -> bool:
    low = max(first[f"{name}_low"], second[f"{name}_low"])
    return bool(low <= min(first[f"{name}_high"], second[f"{name}_high"]))


def _same_for_one(first: Any, second: Any) -> bool:
    """Whether for one person both regrowth and atrophy may come out either way."""
    return _overlap(first, second, "regrowth") and _overlap(first, second, "atrophy")


def _ties(table: "pd.DataFrame", picks: Sequence[Pick]) -> Iterator[str]:
    names = list(dict.fromkeys(pick.name for pick in picks))
    if not names:
        return
    first = table.loc[names[0]]
    alike = [name for name in names[1:] if _same_for_one(first, table.loc[name])]
    if alike:
        yield (
            f"For one person these cannot be told apart from {names[0]} by regrowth or atrophy, "
            f"their intervals overlap: {'; '.join(alike)}. Drug, pain and visits differ."
        )


def _trades(table: "pd.DataFrame") -> Iterator[Trade]:
    front = table[table["pareto"]].sort_index()
    front = front.sort_values("regrowth", ascending=False, kind="stable")
    front = front.sort_values("mg", kind="stable")
    steps: list[tuple[str, Any]] = []
    for name, row in front.iterrows():
        if not steps or row["regrowth"] > steps[-1][1]["regrowth"] + _SAME:
            steps.append((str(name), row))
    for (before, less), (after, more) in pairwise(steps):
        yield _trade(before, less, after, more)


def _trade(before: str, less: Any, after: str, more: Any) -> Trade:
    extra = float(more["mg"] - less["mg"])
    regrowth = _percent(float(more["regrowth"] - less["regrowth"]))
    atrophy = _percent(float(more["atrophy"] - less["atrophy"]))
    sentence = (
        f"From {before} to {after}: {extra:.3g} mg more bring {regrowth:+.1f} points of regrowth "
        f"and {atrophy:+.1f} of atrophy, per mg {regrowth / extra:+.2g} and {atrophy / extra:+.2g}"
    )
    alike = _same_for_one(less, more)
    ending = "; for one person the two cannot be told apart." if alike else "."
    return Trade(before, after, extra, regrowth, atrophy, sentence + ending)


def _notes(table: "pd.DataFrame", named: Mapping[str, Candidate]) -> Iterator[str]:
    blocked = table[table["blocked"]]
    for name in sorted(blocked.index[blocked["kind"] == "named protocol"]):
        yield f"{name} is blocked: {blocked.loc[name, 'reason']}"
    allowed = table[~table["blocked"]]
    if not (allowed["visits"] > 0).any():
        yield "No plan that injects is allowed."
    dominated = allowed[~allowed["pareto"]]
    yield (
        f"{len(allowed) - len(dominated)} of {len(allowed)} plans are dominated by none; "
        f"{len(blocked)} of {len(named)} are blocked."
    )
