"""What a published arm was given, or may have been: one regimen and week for each way."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from anagen.evidence.drug_names import DrugName, drug_of
from anagen.evidence.products import load_products
from anagen.evidence.published import Arm, Span, span
from anagen.population.cohort import NATURAL, Regimen
from anagen.population.cohort_checks import MAX_SESSIONS
from anagen.population.condition_data import Weights, load_condition_data
from anagen.population.person import WEEK

Weighted = tuple[tuple[float, float], ...]
"""Values and their weights."""

Readings = tuple[tuple[int, float], ...]
"""Weeks of a reading and their weights."""

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_DILUTION = re.compile(r"\b1\s*(?::|/|in)\s*\d+\b|dilut", re.IGNORECASE)
_BELOW = re.compile(r"^\s*(<=|≤|<|max\.?|up to|at most|under|below)", re.IGNORECASE)
_ABOVE = re.compile(r"^\s*(>=|≥|>|min\.?|at least|over|above)", re.IGNORECASE)
_VERSUS = re.compile(r"\s+(?:vs\.?|versus|against|compared (?:with|to))\s+", re.IGNORECASE)
_NAMED = re.compile(
    r"(\d[\d.]*(?:\s*(?:-|–|/|and|or|to)\s*\d[\d.]*)?)\s*mg\s*(?:/|per)\s*(?:ml|cc)", re.I
)
_EVERY = re.compile(r"every\s+(\d+(?:\.\d+)?)\s*(w|m|d)", re.IGNORECASE)
_COURSE = re.compile(
    r"(?:\b(?:to|until|till|up to|for|over|through)\s+(?:week\s+)?)(\d+)\s*(w|m)?", re.IGNORECASE
)
_SESSIONS = re.compile(
    r"(\d+)\s*(?:monthly\s+)?(?:sessions?|injections?|times|visits?|treatments?)", re.IGNORECASE
)
_UNTIL = re.compile(r"until|till|as needed|as required", re.IGNORECASE)
_WEEKS = {"w": 1.0, "m": 4.0, "d": 1.0 / 7.0}


class CannotSimulate(Exception):  # noqa: N818 - a reason, not a mistake
    """The arm is none that the model can be compared with; the text says why."""


@dataclass(frozen=True)
class Condition:
    """One way in which an arm may have been treated and read.

    Parameters
    ----------
    regimen : with as many sessions as were given before the reading.
    week : of the reading after the first session.
    weight : how likely this way is; the weights of an arm sum to 1.
    """

    regimen: Regimen
    week: int
    weight: float


@dataclass(frozen=True)
class Drug:
    """What is injected.

    Parameters
    ----------
    key : canonical name of the drug; product : of the catalogue, empty for the natural course.
    """

    key: str
    product: str


def drugs_of_arm(arm: Arm) -> tuple[Drug, ...]:
    """Drug of an arm; two for an odds ratio between treatments.

    Raises
    ------
    CannotSimulate
        When the model does not know it, or it is another treatment.
    """
    sides = _VERSUS.split(arm.drug) if arm.endpoint == "odds_ratio" else [arm.drug]
    if len(sides) > 2:
        raise CannotSimulate("an odds ratio of more than two treatments")
    drugs = tuple(_drug(side) for side in sides)
    named = drug_of(arm.arm)
    if named is not None and named.kind == "other_treatment" and "_with_" in named.key:
        raise CannotSimulate(f"the arm combines {named.name}")
    return drugs


def conditions_of(arm: Arm, drug: Drug, side: int, notes: list[str]) -> tuple[Condition, ...]:
    """Every way in which an arm may have been treated and read, what is stated kept exactly.

    Parameters
    ----------
    arm : as published.
    drug : given on this side.
    side : 0, or 1 for the second side of an odds ratio ('10 vs 5').
    notes : what was assumed, in words; grows.

    Raises
    ------
    CannotSimulate
        When the strength or the time lies beyond what the model is used for.
    """
    strengths = _strengths(arm, drug, side, notes)
    words = _session_text(arm)
    said: list[str] = []
    ways = [
        (interval, sessions, week, one * other)
        for interval, one in _intervals(arm, words, said)
        for (sessions, week), other in _plans(arm, words, interval, said)
    ]
    natural = not drug.product or strengths == ((0.0, 1.0),)
    technique = (NATURAL.volume, NATURAL.spacing)
    if not natural:
        technique = _technique(arm, strengths, notes)
    elif arm.endpoint != "sessions_to_complete":
        said.clear()
        ways = [(NATURAL.interval, NATURAL.sessions, week, one) for _, _, week, one in ways]
    notes += dict.fromkeys(said)
    found: dict[tuple[Regimen, int], float] = {}
    for interval, sessions, week, one in ways:
        usual = NATURAL.interval if sessions == 1 else interval
        for strength, other in strengths:
            product = drug.product or NATURAL.product
            regimen = Regimen(strength, usual, sessions, *technique, product=product)
            found[regimen, week] = found.get((regimen, week), 0.0) + one * other
    total = sum(found.values())
    conditions = tuple(Condition(*way, weight / total) for way, weight in found.items())
    if arm.time_weeks is None:
        notes.append(_note_on_time(conditions))
    return conditions


def _note_on_time(conditions: tuple[Condition, ...]) -> str:
    weeks: dict[int, float] = {}
    for one in conditions:
        weeks[one.week] = weeks.get(one.week, 0.0) + one.weight
    return f"time of assessment not stated: weeks {_listed(sorted(weeks.items()))}"


def _drug(text: str) -> Drug:
    name: DrugName | None = drug_of(text)
    if name is None:
        raise CannotSimulate(f"unknown drug {text!r}" if text.strip() else "no drug is named")
    if name.kind == "natural":
        return Drug(name.key, "")
    if name.kind == "steroid_unspecified":
        return Drug(name.key, "ta10")
    if name.kind != "steroid_depot":
        kind = "a comparison of treatments" if name.kind == "comparison" else "another treatment"
        raise CannotSimulate(f"{kind}: {name.name}")
    product = load_products().get(name.product)
    if product is None:
        raise CannotSimulate(f"no product of the catalogue contains {name.name}")
    if product.soluble:
        raise CannotSimulate(f"{name.name} is a solution and leaves no depot")
    return Drug(name.key, product.key)


def _strengths(arm: Arm, drug: Drug, side: int, notes: list[str]) -> Weighted:
    """Strengths [mg/mL] that an arm may have had."""
    if not drug.product:
        return ((0.0, 1.0),)
    usual = _usual_strengths(arm, drug)
    printed = _printed_strength(arm)
    text = "" if printed is None else printed.text
    stated, limit = _stated_strengths(printed, arm.endpoint, side), _limit(printed)
    if stated:
        chosen = stated
        if len(stated) > 1:
            notes.append(f"strength {text} mg/mL: {_listed(stated)}")
        elif printed is not arm.concentration_mg_per_mL:
            notes.append(f"strength {stated[0][0]:g} mg/mL from the name of the arm or drug")
    elif limit is not None:
        chosen = _within(usual, *limit)
        notes.append(f"strength {text} mg/mL: {_listed(chosen)}")
    elif (derived := _strength_by_dose(arm)) is not None:
        chosen = ((derived, 1.0),)
        notes.append(f"strength {derived:g} mg/mL from the dose on a square centimetre")
    else:
        chosen = tuple(zip(usual.at, usual.weights, strict=True))
        notes.append(f"strength not stated: {_listed(chosen)} ({usual.provenance.locator})")
    _check_strengths(chosen, drug)
    if chosen == ((0.0, 1.0),):
        notes.append("strength 0: natural course")
    return chosen


def _check_strengths(strengths: Weighted, drug: Drug) -> None:
    if drug.product == "ta10":
        most = load_condition_data().value("most_strength")
    else:
        most = load_products()[drug.product].strength_mg_per_mL
    if any(value > most for value, _ in strengths):
        raise CannotSimulate(f"strength above the {most:g} mg/mL of its vial")


def _printed_strength(arm: Arm) -> Span | None:
    """Strength as printed, in its own column or else in the name of the arm or drug."""
    given = arm.concentration_mg_per_mL
    if arm.endpoint == "odds_ratio" and not (given and _VERSUS.search(given.text)):
        sides = [_NUMBER.findall(side) for side in _VERSUS.split(arm.arm)]
        return Span(arm.arm, None, None) if len(sides) == 2 and all(sides) else given
    if given is not None and (_NUMBER.search(given.text)):
        return given
    for text in (arm.arm, arm.drug):
        found = _NAMED.search(text)
        if found:
            return span(found[1])
    return given


def _usual_strengths(arm: Arm, drug: Drug) -> Weights:
    data = load_condition_data()
    for row in data.readings:
        if row.weights is not None and row.holds(arm, drug.key):
            return row.weights
    return data.weights[f"strength_{drug.product}"]


def _stated_strengths(printed: Span | None, endpoint: str, side: int) -> Weighted:
    """Strengths that a text names, alike in weight; none when it names a limit or nothing."""
    if printed is None or _limit(printed) is not None or _DILUTION.search(printed.text):
        return ()
    sides = _VERSUS.split(printed.text)
    if endpoint == "odds_ratio" and len(sides) == 2:
        numbers = [float(text) for text in _NUMBER.findall(sides[side])]
    elif printed.exact is not None:
        numbers = [printed.exact]
    elif printed.low is not None and printed.high is not None and _is_range(printed.text):
        wide = printed.high > load_condition_data().value("narrow_range") * printed.low
        middle = [(printed.low + printed.high) / 2.0] if wide else []
        numbers = [printed.low, *middle, printed.high]
    else:
        numbers = [float(text) for text in _NUMBER.findall(printed.text)]
    different = list(dict.fromkeys(numbers))
    return tuple((value, 1.0 / len(different)) for value in different)


def _is_range(text: str) -> bool:
    return re.search(r"and|or|vs|,|/|;", text) is None


def _limit(printed: Span | None) -> tuple[float, float, bool] | None:
    """Lowest and highest strength of a one-sided text, and whether its end counts."""
    if printed is None:
        return None
    for pattern in (_BELOW, _ABOVE):
        sign, found = pattern.match(printed.text), _NUMBER.search(printed.text)
        if sign and found:
            end = float(found[0])
            counts = sign[1].lower() not in ("<", ">", "under", "below", "over", "above")
            return (0.0, end, counts) if pattern is _BELOW else (end, math.inf, counts)
    return None


def _within(usual: Weights, low: float, high: float, counts: bool) -> Weighted:
    """Usual strengths between two ends; the finite end itself when there is none."""
    kept = [
        (value, weight)
        for value, weight in zip(usual.at, usual.weights, strict=True)
        if low < value < high or (counts and value in (low, high))
    ]
    if not kept:
        return ((high if math.isfinite(high) else low, 1.0),)
    total = sum(weight for _, weight in kept)
    return tuple((value, weight / total) for value, weight in kept)


def _strength_by_dose(arm: Arm) -> float | None:
    if not arm.dose_per_cm2_mg:
        return None
    volume = _middle(arm.volume_per_site_mL) or NATURAL.volume
    spacing = _middle(arm.site_spacing_cm) or NATURAL.spacing / 10.0
    return arm.dose_per_cm2_mg * spacing**2 / volume


def _technique(arm: Arm, strengths: Weighted, notes: list[str]) -> tuple[float, float]:
    """Volume [mL] a site and spacing [mm], from each other and the dose where one is missing."""
    volume, spacing = _middle(arm.volume_per_site_mL), _middle(arm.site_spacing_cm)
    strength = strengths[0][0] if len(strengths) == 1 else 0.0
    if arm.dose_per_cm2_mg and strength > 0.0 and (volume is None) != (spacing is None):
        if spacing is None and volume is not None:
            spacing = math.sqrt(strength * volume / arm.dose_per_cm2_mg)
        elif spacing is not None:
            volume = arm.dose_per_cm2_mg * spacing**2 / strength
        notes.append("volume and spacing from the dose on a square centimetre")
    millimetres = None if spacing is None else 10.0 * spacing
    return (_allowed("volume", volume, NATURAL.volume, notes),
            _allowed("spacing", millimetres, NATURAL.spacing, notes))  # fmt: skip


def _allowed(name: str, value: float | None, usual: float, notes: list[str]) -> float:
    if value is None:
        return usual
    known = load_condition_data().quantity(name)
    if known.low <= value <= known.high:
        return round(value, 4)
    notes.append(f"{name} of {value:g} {known.unit} not simulated; {usual:g} {known.unit} taken")
    return usual


def _middle(printed: Span | None) -> float | None:
    """Return the number that a span says, in the middle of a range; None for 0 or words."""
    if printed is None or printed.high is None:
        return None
    middle = printed.high if printed.low is None else (printed.low + printed.high) / 2.0
    return middle or None


@dataclass(frozen=True)
class _Sessions:
    """Sessions as a text says them: how many, at most how many, how often, how long."""

    numbers: tuple[int, ...] = ()
    most: int | None = None
    interval: float | None = None
    course: float | None = None
    until: bool = False


def _session_text(arm: Arm) -> _Sessions:
    printed = arm.n_sessions
    if printed is None:
        return _Sessions()
    if printed.exact is not None:
        return _Sessions((round(printed.exact),))
    if printed.high is not None:
        if printed.low is None:
            return _Sessions(most=round(printed.high))
        ends = (printed.low, (printed.low + printed.high) / 2.0, printed.high)
        return _Sessions(tuple(dict.fromkeys(math.ceil(end) for end in ends)))
    data, text = load_condition_data(), printed.text.lower()
    every = _EVERY.search(text)
    interval = float(every[1]) * _WEEKS[every[2].lower()] if every else None
    rest = _EVERY.sub(" ", text)
    if interval is None:
        interval = next((weeks for word, weeks in data.intervals.items() if word in rest), None)
    counted = _SESSIONS.search(rest)
    course = _COURSE.search(_SESSIONS.sub(" ", rest))
    count = int(counted[1]) if counted else next(
        (number for word, number in data.counts.items() if re.search(rf"\b{word}\b", rest)), None
    )  # fmt: skip
    weeks = float(course[1]) * _WEEKS[course[2] or "w"] if course else None
    bare = _NUMBER.findall(rest)
    if count is None and weeks is None and len(bare) == 1:
        count = round(float(bare[0]))
    limited = count is not None and bool(_BELOW.match(text) or _UNTIL.search(text) or "max" in text)
    return _Sessions(
        numbers=() if count is None or limited else (count,),
        most=count if limited else None,
        interval=interval,
        course=weeks,
        until=bool(_UNTIL.search(text)) and weeks is None,
    )


def _intervals(arm: Arm, words: _Sessions, notes: list[str]) -> Weighted:
    """Weeks between sessions that an arm may have had."""
    interval = arm.interval_weeks or words.interval
    if interval:
        known = load_condition_data().quantity("interval")
        if not known.low <= interval <= known.high:
            raise CannotSimulate(f"sessions {interval:g} weeks apart")
        return ((interval, 1.0),)
    if words.numbers == (1,) or words.most == 1:
        return ((NATURAL.interval, 1.0),)
    usual = load_condition_data().weights["interval"]
    chosen = tuple(zip(usual.at, usual.weights, strict=True))
    notes.append(f"interval not stated: {_listed(chosen)} weeks")
    return chosen


def _plans(
    arm: Arm, words: _Sessions, interval: float, notes: list[str]
) -> list[tuple[tuple[int, int], float]]:
    """Sessions given before the reading and the week of the reading, with weights."""
    plans: dict[tuple[int, int], float] = {}
    for count, one in _counts(words, interval, notes):
        for week, other in _weeks(arm, count, interval):
            key = (_given(count, interval, week, notes), week)
            plans[key] = plans.get(key, 0.0) + one * other
    return list(plans.items())


def _counts(words: _Sessions, interval: float, notes: list[str]) -> Weighted:
    """Numbers of sessions planned; infinite for as long as the study lasts."""
    if words.numbers and words.course is None:
        if len(words.numbers) > 1:
            notes.append(f"sessions: {', '.join(map(str, words.numbers))} alike")
        return tuple((float(number), 1.0 / len(words.numbers)) for number in words.numbers)
    if words.course is not None:
        planned = float(max(1, math.ceil(round(words.course / interval, 6))))
        planned = min(planned, words.most or math.inf, *(words.numbers or (math.inf,)))
        notes.append(f"a course of {words.course:g} weeks: the last of {planned:g} sessions one "
                     "interval before its end")  # fmt: skip
        return ((planned, 1.0),)
    if words.most is not None:
        notes.append(f"at most {words.most} sessions: all that fit before the assessment")
        return ((float(words.most), 1.0),)
    if words.until:
        return ((math.inf, 1.0),)
    data = load_condition_data()
    share, usual = data.value("until_assessment"), data.value("usual_sessions")
    notes.append(f"sessions not stated: until the assessment ({share:g}) or {usual:g} "
                 f"({1.0 - share:g})")  # fmt: skip
    return ((math.inf, share), (usual, 1.0 - share))


def _weeks(arm: Arm, count: float, interval: float) -> Readings:
    """Weeks at which an arm may have been read."""
    data = load_condition_data()
    most = data.value("most_weeks")
    if arm.time_weeks is not None:
        week = max(1, round(arm.time_weeks))
        if arm.time_weeks <= 0.0:
            raise CannotSimulate("read before anything could happen")
        if week > most:
            raise CannotSimulate(f"read after {week} weeks; courses end at {most:g} weeks")
        return ((week, 1.0),)
    usual = data.weights["weeks"]
    chosen = [(round(week), weight) for week, weight in zip(usual.at, usual.weights, strict=True)]
    if math.isfinite(count):
        after = max(1, min(round(count * interval), round(most)))
        share = data.value("after_last_session")
        if arm.endpoint in ("sessions_to_complete", "onset_week"):
            share = 1.0
        chosen = [(after, share), *((week, (1.0 - share) * part) for week, part in chosen)]
    return tuple((week, part) for week, part in chosen if part > 0.0)


def _given(count: float, interval: float, week: int, notes: list[str]) -> int:
    """Sessions held before the end of a week."""
    days = WEEK * interval
    fit = max(1, math.ceil(round(WEEK * week / days, 6)))
    given = int(min(count, fit))
    if given > MAX_SESSIONS:
        notes.append(f"only the first {MAX_SESSIONS} of {given} sessions are simulated")
    return min(given, MAX_SESSIONS)


def _listed(weighted: Iterable[tuple[float, float]]) -> str:
    return ", ".join(f"{value:g} ({weight:.2g})" for value, weight in weighted)
