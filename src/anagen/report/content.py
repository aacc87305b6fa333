"""What the report says: numbers of plan and course gathered for the page, nothing drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from anagen.report.curves import series
from anagen.report.scalp_picture import WEEKS

if TYPE_CHECKING:
    import xarray as xr

    from anagen.biology.systemic import SystemicRisk
    from anagen.patient import Patient
    from anagen.treatment import Plan, Session
    from anagen.treatment.binding import BindingLimit

_DAYS_PER_WEEK = 7.0
_PERCENT = 100.0
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True)
class Expectation:
    """Regrowth expected in one patch.

    Parameters
    ----------
    patch : its id.
    blocked : why it is not injected, if so.
    area_cm2 : bald area at the start.
    treated, untreated : by week, share of the missing cover that has come back [%].
    """

    patch: str
    blocked: str | None
    area_cm2: float | None
    treated: Mapping[int, float]
    untreated: Mapping[int, float]


@dataclass(frozen=True)
class Harm:
    """Chance of one harm to the skin of one patch [%]: at its highest, and when."""

    patch: str
    name: str
    highest: float
    week: float


@dataclass(frozen=True)
class SessionHarm:
    """Pain of one session and cortisol around it.

    Parameters
    ----------
    number, day : of the session.
    pain : numeric rating, 0 to 10; None when not simulated.
    pain_range : lowest and highest rating over people; None when not simulated.
    cortisol_before : morning cortisol on the day [% of own baseline].
    cortisol_lowest : lowest until the next session [% of own baseline].
    """

    number: int
    day: date
    pain: float | None
    pain_range: tuple[float, float] | None
    cortisol_before: float | None
    cortisol_lowest: float | None


def value_at(
    course: "xr.Dataset", variable: str, week: float, patch: str | None = None
) -> float | None:
    """Value of a variable at a week; None when the course lacks it or does not reach the week."""
    if variable not in course:
        return None
    weeks, values = series(course, variable, patch)
    if not len(weeks) or week > weeks[-1] + 0.5:
        return None
    value = float(values[int(np.abs(weeks - week).argmin())])
    return value if np.isfinite(value) else None


def start_of(course: "xr.Dataset", plan: "Plan") -> date:
    """Day 0 of a course, from its attributes; else the first session."""
    text = str(course.attrs.get("start_date", ""))
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return plan.sessions[0].date if plan.sessions else date(2000, 1, 1)


def last_week(course: "xr.Dataset") -> float:
    """Week at which a course ends."""
    return float(np.asarray(course["time"].values, dtype=float)[-1]) / _DAYS_PER_WEEK


def patch_names(course: "xr.Dataset") -> list[str]:
    """Ids of the patches of a course."""
    return [str(name) for name in course["patch"].values] if "patch" in course.coords else []


def expectations(
    course: "xr.Dataset", untreated: "xr.Dataset", blocked: Mapping[str, str]
) -> list[Expectation]:
    """Regrowth of every patch at the weeks that are drawn."""
    weeks = [week for week in WEEKS if 0 < week <= last_week(course)]

    def regrowth(data: "xr.Dataset", patch: str) -> dict[int, float]:
        values = {week: value_at(data, "patch_regrowth", week, patch) for week in weeks}
        return {week: _PERCENT * value for week, value in values.items() if value is not None}

    return [
        Expectation(
            patch=name,
            blocked=blocked.get(name),
            area_cm2=value_at(course, "patch_area", 0.0, name),
            treated=regrowth(course, name),
            untreated=regrowth(untreated, name) if name in patch_names(untreated) else {},
        )
        for name in patch_names(course)
    ]


def skin_harms(course: "xr.Dataset") -> list[Harm]:
    """Highest chance of each harm to the skin, by patch, in the order of the course."""
    harms = []
    for patch in patch_names(course):
        for variable in sorted(str(name) for name in course.data_vars):
            if variable.startswith("risk_") and "patch" in course[variable].dims:
                weeks, values = series(course, variable, patch)
                best = int(np.nanargmax(values)) if len(values) else 0
                name = variable.removeprefix("risk_").replace("_", " ")
                harms.append(Harm(patch, name, _PERCENT * float(values[best]), float(weeks[best])))
    return harms


def body_harms(course: "xr.Dataset") -> "tuple[SystemicRisk, ...]":
    """Risks to the whole body over the course; none when it carries no blood."""
    from anagen.biology.systemic import course_risks
    from anagen.evidence.parameters import load_parameters

    if "plasma_concentration" not in course or "cortisol_suppression" not in course:
        return ()
    return course_risks(course, load_parameters())


def session_harms(plan: "Plan", course: "xr.Dataset") -> list[SessionHarm]:
    """Pain and the dip of cortisol, session by session."""
    start = start_of(course, plan)
    weeks = [(session.date - start).days / _DAYS_PER_WEEK for session in plan.sessions]
    rows = []
    for number, session in enumerate(plan.sessions, start=1):
        week = weeks[number - 1]
        until = weeks[number] if number < len(weeks) else last_week(course)
        rows.append(
            SessionHarm(
                number,
                session.date,
                _pain(course, "pain", (session.date - start).days),
                _pain_range(course, (session.date - start).days),
                _scaled(value_at(course, "cortisol_morning", week)),
                _lowest(course, "cortisol_morning", week, until),
            )
        )
    return rows


def _scaled(value: float | None) -> float | None:
    return None if value is None else _PERCENT * value


def _lowest(course: "xr.Dataset", variable: str, first: float, last: float) -> float | None:
    if variable not in course:
        return None
    weeks, values = series(course, variable, None)
    inside = values[(weeks >= first) & (weeks <= last)]
    return _PERCENT * float(inside.min()) if len(inside) else None


def _pain(course: "xr.Dataset", variable: str, day: int) -> float | None:
    if variable not in course or "session_day" not in course.coords:
        return None
    days = np.asarray(course["session_day"].values)
    at = np.flatnonzero(days == day)
    return float(course[variable].values[at[0]]) if len(at) else None


def _pain_range(course: "xr.Dataset", day: int) -> tuple[float, float] | None:
    low, high = (_pain(course, variable, day) for variable in ("pain_low", "pain_high"))
    return None if low is None or high is None else (low, high)


def plan_sentence(plan: "Plan") -> str:
    """Say what the plan does, in one or two sentences."""
    if not plan.sessions:
        return "The plan holds no session: nothing is injected."
    count = len(plan.sessions)
    first, last = plan.sessions[0], plan.sessions[-1]
    head = f"The plan gives {_many(count, 'session')} of {_drugs(plan)}"
    gaps = sorted(
        {(b.date - a.date).days for a, b in zip(plan.sessions, plan.sessions[1:], strict=False)}
    )
    if count > 1:
        every = f"{gaps[0]} days apart" if len(gaps) == 1 else f"{gaps[0]} to {gaps[-1]} days apart"
        head += f", {every}, from {day_words(first.date)} to {day_words(last.date)}"
    else:
        head += f" on {day_words(first.date)}"
    sites = sorted({session.sites for session in plan.sessions})
    site_words = f"{sites[0]}" if len(sites) == 1 else f"{sites[0]} to {sites[-1]}"
    volumes = sorted({site.volume_mL for s in plan.sessions for site in s.injections})
    each = f" of {volumes[0]:g} mL" if len(volumes) == 1 else ""
    return (
        f"{head}. Each session has {site_words} sites{each}; the first takes "
        f"{first.total_mL:.2g} mL with {first.total_mg:.3g} mg of steroid, and the whole plan "
        f"{plan.total_mg:.3g} mg."
    )


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _drugs(plan: "Plan") -> str:
    pairs: dict[str, set[float]] = {}
    for session in plan.sessions:
        for site in session.injections:
            pairs.setdefault(drug_name(site.product), set()).add(site.strength_mg_per_mL)
    parts = [
        f"{drug} {' and '.join(f'{s:g}' for s in sorted(strengths))} mg/mL"
        for drug, strengths in pairs.items()
    ]
    return " and ".join(parts) or "nothing"


def drug_name(product: str) -> str:
    """Name of the steroid in a product; the key itself for one that nobody knows."""
    from anagen.errors import AnagenError
    from anagen.evidence.products import load_product

    try:
        known = load_product(product)
    except AnagenError:
        return product
    return known.drug or known.name


def day_words(day: date) -> str:
    """Date in words that no country misreads.

    Examples
    --------
    >>> day_words(date(2026, 3, 2))
    '2 March 2026'
    """
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def course_sentences(course: "xr.Dataset", untreated: "xr.Dataset") -> list[str]:
    """Say what to expect, from the course, in plain sentences."""
    rows = expectations(course, untreated, {})
    marks = [week for week in (12, 24) if rows and week in rows[0].treated]
    sentences = [_patch_sentence(row, marks) for row in rows[:4] if marks]
    end = marks[-1] if marks else last_week(course)
    before, after = value_at(course, "salt", 0.0), value_at(course, "salt", end)
    idle = value_at(untreated, "salt", end)
    if before is not None and after is not None:
        versus = f", against {idle:.1f} without treatment" if idle is not None else ""
        sentences.append(f"SALT goes from {before:.1f} to {after:.1f} by week {end:g}{versus}.")
    return sentences + _harm_sentences(course)


def _patch_sentence(row: Expectation, marks: Sequence[int]) -> str:
    gains = ", ".join(f"{row.treated[week]:.0f} % by week {week}" for week in marks)
    text = f"Patch {row.patch} regrows {gains} of the hair cover it lacks now"
    idle = row.untreated.get(marks[-1])
    if idle is None:
        return text + "."
    if idle < 0.0:
        return f"{text}; left untreated it thins further."
    return f"{text}; left untreated, {idle:.0f} % by week {marks[-1]}."


def _harm_sentences(course: "xr.Dataset") -> list[str]:
    sentences = []
    worst = [harm for harm in skin_harms(course) if harm.name == "atrophy"]
    if worst:
        top = max(worst, key=lambda harm: harm.highest)
        sentences.append(
            f"The chance of visible thinning of the skin reaches {top.highest:.0f} % "
            f"in patch {top.patch}."
        )
    lowest = _lowest(course, "cortisol_morning", 0.0, last_week(course))
    if lowest is not None:
        sentences.append(
            f"Morning cortisol falls to {lowest:.0f} % of its own baseline at the lowest."
        )
    return sentences


def next_session(plan: "Plan", course: "xr.Dataset") -> tuple[int, "Session"] | None:
    """Find the session that comes next, with its number, on or after the start of the course."""
    start = start_of(course, plan)
    for number, session in enumerate(plan.sessions, start=1):
        if session.date >= start:
            return number, session
    return None


def blocked_patches(patient: "Patient", on: date) -> dict[str, str]:
    """Why a patch must not be injected, by patch, from the record up to a day."""
    from anagen.patient import latest_patches

    return {
        name: str(seen.blocked)
        for name, seen in latest_patches(patient, on).items()
        if getattr(seen, "blocked", None)
    }


def binding_words(plan: "Plan", used: Sequence["BindingLimit"]) -> str:
    """Which limit binds first, in a sentence or two."""
    if not used:
        text = plan.limits[0] if plan.limits else "no limit of the chosen rules is reached"
        return text[:1].upper() + text[1:].rstrip(".") + "."
    first = used[0]
    unit = "" if first.unit == "1" else f" {first.unit}"
    numbers = f"{first.used:.3g} of {first.limit:g}{unit} ({_PERCENT * first.fraction:.0f} %)"
    if first.fraction > 1.0:
        return f"The limit on “{_lowered(first.title)}” is passed: {numbers}."
    words = f"The first limit is that on “{_lowered(first.title)}”: the plan uses {numbers}"
    if first.sites:
        words += f"; at this volume and strength it is reached with {first.sites} sites a session"
    return words + "."


def _lowered(title: str) -> str:
    return title[:1].lower() + title[1:] if title[1:2].islower() else title
