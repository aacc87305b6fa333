"""Gates of a review: when they are due, what was seen at them, and the chance of passing them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol

from anagen.forecast.flag_rows import Flag
from anagen.forecast.review_rows import GateRow, Judged, load_review_rows
from anagen.patient.drawings import patient_scalp
from anagen.patient.record import Patient
from anagen.patient.timeline import latest_patches, regrowth_history, visits_until
from anagen.units import convert

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr
    from numpy.typing import NDArray

    from anagen.evidence.rules import Profile

    Shares = NDArray[np.float64]

Reached = Literal["passed", "missed", "open", "no data"]
_Day = date

_EXACT = 1e-6


class ForecastLike(Protocol):
    """What a review reads of a forecast; `anagen.forecast.predict.Forecast` is one."""

    @property
    def dataset(self) -> "xr.Dataset":
        """Quantiles and chances by plan and week."""

    @property
    def flags(self) -> Sequence[Flag]:
        """What the reader must know first."""


@dataclass(frozen=True)
class PatchRegrowth:
    """Regrowth of one patch as read at a gate.

    Parameters
    ----------
    patch : id.
    percent : share of it covered again [%].
    date : day of the visit.
    """

    patch: str
    percent: float
    date: _Day


@dataclass(frozen=True)
class Chance:
    """Chance under one plan that the scalp reaches a regrowth by a day.

    Parameters
    ----------
    plan : its name in the forecast.
    chance, low, high : of reaching it, and the interval of that chance [1].
    regrown, least, most : regrowth on that day, median and 95 % interval [%].
    """

    plan: str
    chance: float
    low: float
    high: float
    regrown: float
    least: float
    most: float

    def __str__(self) -> str:
        """Name and chance with its interval, for a sentence."""
        parts = [f"{convert(x, '1', '%'):.0f}" for x in (self.chance, self.low, self.high)]
        return f"{self.plan} {parts[0]} % ({parts[1]} to {parts[2]} %)"


@dataclass(frozen=True)
class GateReview:
    """One gate: what is asked for, what was seen, what is to be expected.

    Parameters
    ----------
    key, title : of the gate.
    week : after the first session [week]; due : the day.
    at_least : regrowth that passes [%]; None when the profile only asks to look.
    judged : whether the whole (patches weighted by area) or the best patch decides.
    reached : passed, missed, open (not yet due) or no data.
    observed : latest reading of each patch at the gate; whole, best : of all of them [%].
    date : latest of these readings.
    forecast : chance of passing under each plan, while the gate lies ahead.
    rules : rules it follows; source : references, separated by commas.
    """

    key: str
    title: str
    week: float
    due: _Day
    at_least: float | None
    judged: Judged
    reached: Reached
    observed: tuple[PatchRegrowth, ...] = ()
    whole: float | None = None
    date: _Day | None = None
    forecast: tuple[Chance, ...] = ()
    rules: tuple[str, ...] = ()
    source: str = ""

    @property
    def best(self) -> float | None:
        """Regrowth of the patch that did best [%]."""
        return max((row.percent for row in self.observed), default=None)

    @property
    def measured(self) -> float | None:
        """Regrowth that decides, of the whole or of the best patch [%]."""
        return self.whole if self.judged == "whole" else self.best

    def __str__(self) -> str:
        """Say what was seen beside what is asked for, in a sentence."""
        cited = f"({', '.join((*(f'rule {key}' for key in self.rules), self.source))})"
        if self.reached == "open":
            return f"{self.title}: due on {self.due} {cited}."
        if self.measured is None or self.date is None:
            return f"{self.title}: due on {self.due}, no regrowth was read since {cited}."
        who = "" if self.judged == "whole" else " in the best patch"
        asked = "" if self.at_least is None else f"; at least {self.at_least:.0f} % is asked for"
        return f"{self.title}: {self.measured:.0f} % regrowth{who} on {self.date}{asked} {cited}."


@dataclass(frozen=True)
class Readings:
    """Readings of regrowth of a patient up to a day, and the areas that weigh them."""

    patient: Patient
    on: _Day

    @cached_property
    def rows(self) -> tuple[PatchRegrowth, ...]:
        """Every reading, by patch and day."""
        return tuple(
            PatchRegrowth(name, row.percent, row.date)
            for name in latest_patches(self.patient, self.on)
            for row in regrowth_history(self.patient, name, self.on)
        )

    @cached_property
    def areas(self) -> Mapping[str, float]:
        """Area of the first outline of each patch [cm2]."""
        from anagen.scalp import area_cm2, patch_cells

        scalp = patient_scalp(self.patient)
        found: dict[str, float] = {}
        for visit in visits_until(self.patient, self.on):
            for seen in visit.patches:
                if seen.shape is not None and seen.id not in found:
                    found[seen.id] = area_cm2(scalp, patch_cells(scalp, seen.shape, seen.id))
        return found

    def latest(self, first: _Day, before: _Day = _Day.max) -> tuple[PatchRegrowth, ...]:
        """Latest reading of each patch from one day to the day before another."""
        inside = [row for row in self.rows if first <= row.date < before]
        return tuple({row.patch: row for row in inside}.values())

    def whole(self, rows: Sequence[PatchRegrowth]) -> float | None:
        """Mean of readings [%], weighted by area; evenly where a patch was never drawn."""
        if not rows:
            return None
        drawn = all(self.areas.get(row.patch) for row in rows)
        weights = [self.areas[row.patch] if drawn else 1.0 for row in rows]
        pairs = zip(weights, rows, strict=True)
        return math.fsum(weight * row.percent for weight, row in pairs) / math.fsum(weights)


def review_gates(
    readings: Readings, first: date, profile: "Profile", forecast: ForecastLike | None
) -> tuple[GateReview, ...]:
    """Hold a patient against the gates of a profile.

    Parameters
    ----------
    readings : what was read by the day of the review.
    first : day of the first session.
    profile : whose numbers hold; a gate it has no number for is looked at, not judged.
    forecast : to say how likely gates ahead are; None, or a withheld one, says nothing.
    """
    asked = [(row, *_asked(row, profile)) for row in load_review_rows().gates]
    weeks = sorted({week for _, week, _, _ in asked})
    early = timedelta(days=load_review_rows().number("early", "day"))
    found = []
    for row, week, at_least, rules in asked:
        due = first + timedelta(weeks=week)
        later = next((other for other in weeks if other > week), None)
        until = date.max if later is None else first + timedelta(weeks=later) - early
        seen = readings.latest(due - early, until)
        whole = readings.whole(seen)
        measured = whole if row.judged == "whole" else max((x.percent for x in seen), default=None)
        chances = gate_chances(forecast, due, at_least) if at_least is not None else ()
        found.append(GateReview(
            key=row.key, title=row.title, week=week, due=due, at_least=at_least, judged=row.judged,
            reached=_reached(readings.on, due - early, at_least, measured), observed=seen,
            whole=whole, date=max((x.date for x in seen), default=None), forecast=chances,
            rules=rules, source=_sources(row, rules, profile),
        ))  # fmt: skip
    return tuple(found)


def gate_chances(forecast: ForecastLike | None, due: date, at_least: float) -> tuple[Chance, ...]:
    """Chance under each plan that regrowth is at least so much [%] on a day.

    Nothing without a forecast, for a day that is not ahead of it, or beyond its horizon. Where it
    does not hold the chance of that very regrowth, the chance is read from the quantiles of
    regrowth, and its interval is that between the neighbouring quantiles.
    """
    if forecast is None:
        return ()
    data = forecast.dataset
    days = (due - date.fromisoformat(str(data.attrs["origin"]))) / timedelta(days=1)
    week = math.ceil(convert(days, "day", "week"))
    if days <= 0 or week > int(data["week"].values[-1]):
        return ()
    share = convert(at_least, "%", "1")
    found = (_chance(data.sel(plan=name, week=week), str(name), share)
             for name in data["plan"].values)  # fmt: skip
    return tuple(chance for chance in found if not math.isnan(chance.chance))


def _chance(data: "xr.Dataset", plan: str, share: float) -> Chance:
    import numpy as np

    levels = np.asarray(data["quantile"].values, dtype=float)
    values = np.asarray(data["scalp_regrowth"].transpose("quantile").values, dtype=float)
    regrown = np.interp([0.5, 0.025, 0.975], levels, _percents(values))
    exact = np.flatnonzero(np.abs(np.asarray(data["threshold"].values) - share) < _EXACT)
    if exact.size:
        names = ("scalp_chance", "scalp_chance_low", "scalp_chance_high")
        numbers = [float(data[name].values[exact[0]]) for name in names]
    else:
        numbers = _read_chance(levels, values, share)
    return Chance(plan, *numbers, *(float(x) for x in regrown))


def _percents(shares: "Shares") -> list[float]:
    """Shares as percentages."""
    return [convert(float(share), "1", "%") for share in shares]


def _read_chance(levels: "Shares", values: "Shares", share: float) -> list[float]:
    """Chance of at least a share from quantiles, and what the next quantiles leave open."""
    import numpy as np

    if np.isnan(values).any():
        return [math.nan] * 3
    above = int(np.searchsorted(values, share))
    under = levels[above - 1] if above > 0 else 0.0
    over = levels[above] if above < len(levels) else 1.0
    if 0 < above < len(levels):
        step = (share - values[above - 1]) / (values[above] - values[above - 1])
        middle = under + step * (over - under)
    else:
        middle = (under + over) / 2.0
    return [1.0 - float(middle), 1.0 - float(over), 1.0 - float(under)]


def _asked(row: GateRow, profile: "Profile") -> tuple[float, float | None, tuple[str, ...]]:
    """Week, regrowth asked for [%] and the rules that say so."""
    from anagen.evidence.rules import load_rules
    from anagen.treatment.protocols import load_protocol

    also = tuple(key for key in row.also if profile.rule(key) is not None)
    if row.protocol:
        gate = max(load_protocol(row.protocol).gates, key=lambda one: one.week)
        return gate.week, gate.at_least, also
    rule = profile.rule(row.rule)
    week = (rule or load_rules()[row.rule]).after_weeks or 0.0
    return week, None if rule is None else rule.number, (*((row.rule,) if rule else ()), *also)


def _sources(row: GateRow, rules: Sequence[str], profile: "Profile") -> str:
    own = [rule.source for key in rules if (rule := profile.rule(key)) is not None]
    return ", ".join(dict.fromkeys((*own, *(() if row.rule in rules else (row.source,)))))


def _reached(on: date, due: date, at_least: float | None, measured: float | None) -> Reached:
    if on < due:
        return "open"
    if measured is None:
        return "no data"
    return "passed" if at_least is None or measured >= at_least else "missed"
