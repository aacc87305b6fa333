"""What the page of a plan shows, made of the answers of its jobs: rules, outlook, trade-off."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from anagen.treatment.findings import Finding, Override, apply_overrides, blocked
from anagen.treatment.injections import Plan
from anagen.web.api.job_models import (
    CompareResult,
    ForecastResult,
    Interval,
    PlanForecast,
    PlanRow,
)
from anagen.web.console.fan_drawings import Chart, Line, ceiling_of, drawn
from anagen.web.console.review_view import Figure, _last, chance_line, fan_line, percents

if TYPE_CHECKING:
    from anagen.treatment.binding import BindingLimit
    from anagen.treatment.dilution import SyringeSheet

Say = Callable[..., str]

# Name of the plan in a forecast, and of the course without it.
PLAN, WITHOUT = "planned", "untreated"
# Thresholds of regrowth [%], as the answer of a forecast names them.
_HALF, _MOST = "50", "75"
_MOST_LIMITS = 4
# The picture of the trade-off in its own units, its borders, and the size of a name in it.
_WIDE, _HIGH, _LEFT, _RIGHT, _TOP, _BOTTOM = 560.0, 300.0, 46.0, 18.0, 16.0, 42.0


@dataclass(frozen=True)
class Ruled:
    """What one rule says, once for all places where it says so.

    Parameters
    ----------
    finding : at the gravest place; count : of places.
    """

    finding: Finding
    count: int

    @property
    def stands(self) -> bool:
        """Whether it forbids the plan."""
        return self.finding.severity == "block" and self.finding.overridden_by is None


@dataclass(frozen=True)
class Outlook:
    """What a plan brings, beside no more injections.

    Parameters
    ----------
    weeks : how far ahead.
    regrowth, regrowth_without : share of the bald area covered at the end, 80 % interval.
    most, most_without : chance of three quarters regrown, 95 % interval.
    atrophy, atrophy_without : chance of visible atrophy in the patch where it is highest.
    patch : that patch.
    cortisol : lowest morning cortisol, relative to one's own, 80 % interval.
    pain : worst of a session, 0-10.
    """

    weeks: int
    regrowth: Figure
    regrowth_without: Figure
    half: Figure
    half_without: Figure
    atrophy: Figure
    atrophy_without: Figure
    patch: str
    cortisol: Figure
    pain: Interval | None


@dataclass(frozen=True)
class Pinned:
    """A plan kept in sight.

    Parameters
    ----------
    key : of its forecast; plan : the plan; outlook : None while or when there is none.
    """

    key: str
    plan: Plan
    outlook: Outlook | None


@dataclass(frozen=True)
class TradeShown:
    """The trade-off of many plans.

    Parameters
    ----------
    curve : picture; points : numbers of the picks in it, by name of the plan.
    """

    curve: Markup | None
    points: Mapping[str, int]


def judged(
    findings: Sequence[Finding], overrides: Sequence[Override]
) -> tuple[tuple[Ruled, ...], bool]:
    """Group what the rules say, and tell whether they forbid the plan.

    Raises
    ------
    InputError
        When a reason stands against a rule that nobody may override.
    """
    found = apply_overrides(findings, overrides)
    groups: dict[tuple[str, str], list[Finding]] = {}
    for one in found:
        key = one.rule if one.severity == "block" else one.title or one.message
        groups.setdefault((one.rule, key if one.patch is None else f"{key} {one.patch}"),
                          []).append(one)  # fmt: skip
    return tuple(Ruled(group[0], len(group)) for group in groups.values()), blocked(found)


def reasoned(ruled: Iterable[Ruled]) -> set[str]:
    """Rules that forbid the plan and that a reason may override, or did."""
    return {one.finding.rule for one in ruled
            if one.finding.severity == "block" and not one.finding.absolute}  # fmt: skip


def first_limits(limits: Sequence["BindingLimit"]) -> tuple["BindingLimit", ...]:
    """Give the limits that bind first."""
    return tuple(limits[:_MOST_LIMITS])


def outlook_of(result: ForecastResult | None) -> Outlook | None:
    """Give the figures of a forecast; None when it has none."""
    pair = _pair(result)
    if result is None or pair is None:
        return None
    plan, without = pair
    worst = max(plan.patches, key=lambda one: _last(one.atrophy).value or 0.0, default=None)
    patch = worst.patch if worst else ""
    bare = next((one for one in without.patches if one.patch == patch), None)
    return Outlook(
        weeks=result.weeks[-1],
        regrowth=_end(plan), regrowth_without=_end(without),
        half=_last(plan.chance.get(_HALF)), half_without=_last(without.chance.get(_HALF)),
        atrophy=_last(worst.atrophy if worst else None),
        atrophy_without=_last(bare.atrophy if bare else None),
        patch=patch, cortisol=_lowest(plan), pain=plan.pain,
    )  # fmt: skip


def charts_of(result: ForecastResult | None, say: Say) -> tuple[Markup, ...]:
    """Draw regrowth and atrophy beside those without further injections."""
    pair = _pair(result)
    if result is None or pair is None:
        return ()
    named = ((pair[1], "untreated", say("no more injections")), (pair[0], "treated", say("plan")))
    regrowth = tuple(fan_line(name, kind, plan.regrowth) for plan, kind, name in named)
    harm: tuple[Line, ...] = tuple(
        chance_line(name, kind, max((one.atrophy for one in plan.patches),
                                    key=lambda curve: curve.value[-1] or 0.0))
        for plan, kind, name in named if plan.patches
    )  # fmt: skip
    words = say("weeks from now")
    return (
        drawn(Chart(say("Regrowth of what was bald, 80 % intervals"), result.weeks, regrowth,
                    ceiling_of(regrowth), week_words=words)),
        drawn(Chart(say("Chance of visible atrophy, 95 % intervals"), result.weeks, harm,
                    ceiling_of(harm), week_words=words)),
    )  # fmt: skip


def weeks_table(
    result: ForecastResult | None, every: int = 12
) -> tuple[tuple[int, Figure, Figure, Figure, Figure], ...]:
    """Give the charts as a table: week, regrowth and atrophy with the plan and without."""
    pair = _pair(result)
    if result is None or pair is None:
        return ()
    weeks = [w for w in result.weeks if w and (w % every == 0 or w == result.weeks[-1])]
    return tuple(
        (week, *(_at(plan, at) for plan in pair), *(_harm_at(plan, at) for plan in pair))
        for week in weeks for at in [result.weeks.index(week)]
    )  # type: ignore[return-value, unused-ignore]  # fmt: skip


def sheet_of(plan: Plan, session: int) -> "SyringeSheet | None":
    """Give what to prepare for a session; None when nothing is injected."""
    from anagen.treatment.dilution import syringe_sheet

    if session >= len(plan.sessions) or not plan.sessions[session].injections:
        return None
    return syringe_sheet(plan.sessions[session])


def trade_of(result: CompareResult, say: Say) -> TradeShown:
    """Draw regrowth over milligrams of every plan listed, the picks numbered."""
    rows = [row for row in result.rows if row.mg is not None and row.regrowth is not None]
    points = {name: at for at, name in
              enumerate(dict.fromkeys(pick.name for pick in result.picks), start=1)}  # fmt: skip
    open_rows = [row for row in rows if not row.blocked]
    if len(open_rows) < 2:
        return TradeShown(None, points)
    return TradeShown(_trade_picture(rows, points, say), points)


def _pair(result: ForecastResult | None) -> tuple[PlanForecast, PlanForecast] | None:
    if result is None or result.withheld:
        return None
    plans = {plan.name: plan for plan in result.plans}
    if PLAN not in plans or WITHOUT not in plans:
        return None
    return plans[PLAN], plans[WITHOUT]


def _end(plan: PlanForecast) -> Figure:
    return _at(plan, -1)


def _at(plan: PlanForecast, at: int) -> Figure:
    fan = plan.regrowth
    return Figure(fan.median[at], fan.low_80[at], fan.high_80[at])


def _harm_at(plan: PlanForecast, at: int) -> Figure:
    worst = max((one.atrophy for one in plan.patches), default=None,
                key=lambda curve: curve.value[-1] or 0.0)  # fmt: skip
    if worst is None:
        return Figure(None, None, None)
    return Figure(worst.value[at], worst.low[at], worst.high[at])


def _lowest(plan: PlanForecast) -> Figure:
    fan = plan.cortisol_morning
    known = [(value, at) for at, value in enumerate(fan.median) if value is not None]
    if not known:
        return Figure(None, None, None)
    value, at = min(known)
    return Figure(value, fan.low_80[at], fan.high_80[at])


def _trade_picture(rows: Sequence[PlanRow], points: Mapping[str, int], say: Say) -> Markup:
    most_mg = _round_up(max(row.mg or 0.0 for row in rows))
    top = ceiling_of((Line("", "", percents(tuple(row.regrowth for row in rows))),))

    def place(row: PlanRow) -> tuple[float, float]:
        x = _LEFT + (row.mg or 0.0) / most_mg * (_WIDE - _LEFT - _RIGHT)
        share = min(100.0 * (row.regrowth or 0.0) / top, 1.0)
        return x, _HIGH - _BOTTOM - share * (_HIGH - _TOP - _BOTTOM)

    parts = [*_trade_axes(most_mg, top, say)]
    front = sorted(place(row) for row in rows if row.pareto)
    if len(front) > 1:
        parts.append('<polyline class="front" points="'
                     + " ".join(f"{x:.1f},{y:.1f}" for x, y in front) + '"/>')  # fmt: skip
    for row in sorted(rows, key=lambda one: (not one.blocked, one.pareto)):
        x, y = place(row)
        kind = "blocked" if row.blocked else "pareto" if row.pareto else "plain"
        parts.append(f'<circle class="plan-dot {kind}" cx="{x:.1f}" cy="{y:.1f}" r="4.5">'
                     f"<title>{escape(row.name)}</title></circle>")  # fmt: skip
    for row in rows:
        if row.name in points:
            x, y = place(row)
            parts.append(f'<g class="pick-dot"><circle cx="{x:.1f}" cy="{y:.1f}" r="10"/>'
                         f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle">'
                         f"{points[row.name]}</text></g>")  # fmt: skip
    return Markup(
        '<svg class="trade" viewBox="0 0 {w:.0f} {h:.0f}" role="img" '
        'aria-label="{title}">{parts}</svg>'
    ).format(
        w=_WIDE,
        h=_HIGH,
        title=say("Regrowth by amount of steroid, plan by plan"),
        parts=Markup("".join(parts)),
    )


def _trade_axes(most_mg: float, top: float, say: Say) -> Iterable[str]:
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = _HIGH - _BOTTOM - share * (_HIGH - _TOP - _BOTTOM)
        x = _LEFT + share * (_WIDE - _LEFT - _RIGHT)
        yield (f'<line class="grid" x1="{_LEFT}" x2="{_WIDE - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
               f'<text class="tick" text-anchor="end" x="{_LEFT - 7}" y="{y + 4:.1f}">'
               f"{share * top:g}</text>"
               f'<text class="tick" text-anchor="middle" x="{x:.1f}" y="{_HIGH - _BOTTOM + 17}">'
               f"{share * most_mg:g}</text>")  # fmt: skip
    yield (f'<text class="tick" x="4" y="12">%</text><text class="tick" text-anchor="middle" '
           f'x="{(_LEFT + _WIDE - _RIGHT) / 2:.0f}" y="{_HIGH - 6}">'
           f"{escape(say('steroid in all [mg]'))}</text>")  # fmt: skip


def _round_up(value: float) -> float:
    """Round up to the next number that divides well by four.

    Examples
    --------
    >>> _round_up(85.5), _round_up(0.0)
    (100.0, 1.0)
    """
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1.0, 1.2, 1.6, 2.0, 2.4, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
                if value <= step * power * (1 + 1e-9))  # fmt: skip
