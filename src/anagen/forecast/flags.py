"""Flags: what makes a forecast lean on little, reach beyond the evidence, or not hold at all."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol

from anagen.forecast.flag_rows import (
    SEVERITIES,
    Flag,
    limit_of,
    load_flag_rows,
    load_flag_words,
    raise_flag,
)
from anagen.patient.facts import course_start, facts
from anagen.patient.record import PatchSeen, Patient
from anagen.patient.timeline import latest_patches, patch_age_days, visits_until
from anagen.treatment.facts import Facts
from anagen.treatment.injections import Plan
from anagen.treatment.rule_registry import mentions
from anagen.units import convert

__all__ = ["Flag", "check_flags", "is_withheld", "order_flags", "record_flags"]

_NAMES_SHOWN = 4


class Seen(Protocol):
    """What the flags read of an observation; `anagen.forecast.observations.Observation` is one."""

    @property
    def kind(self) -> str:
        """What was read, such as ``cover``."""

    @property
    def day(self) -> date:
        """Day of the visit."""

    @property
    def patch(self) -> str | None:
        """Id of the patch; None for the whole scalp."""

    @property
    def label(self) -> str:
        """What was read, in words."""


@dataclass(frozen=True)
class _Look:
    """The patient on a day, and what is asked about."""

    patient: Patient
    on: date
    weeks: float
    observations: Sequence[Seen] | None
    facts: Facts
    patches: Mapping[str, PatchSeen]
    plans: Mapping[str, Plan] = field(default_factory=dict)

    @property
    def scalp_patches(self) -> tuple[str, ...]:
        return tuple(name for name, seen in self.patches.items() if seen.site == "scalp")


_Check = Callable[[_Look], Iterator[Flag]]


def record_flags(
    patient: Patient,
    on: date,
    observations: Sequence[Seen] | None = None,
    weeks: float = 52,
    plans: Mapping[str, Plan] | None = None,
) -> tuple[Flag, ...]:
    """Say where a forecast for this record reaches beyond the evidence, or leans on little.

    Parameters
    ----------
    patient : the record; what lies after the day is not looked at.
    on : day of the forecast.
    observations : readings of the patches, if the caller has them; else those of the record.
    weeks : horizon of the forecast after that day [week].
    plans : what is planned; sessions outside the range of trials are flagged too.

    Returns
    -------
    tuple of Flag
        Gravest first, then in the order: who, which disease, how far ahead, how much is known,
        what was given. Empty when nothing is unusual.

    Examples
    --------
    >>> [flag.key for flag in record_flags(Patient(id="P1", age_years=34, weight_kg=70),
    ...                                    date(2026, 3, 2))]
    ['no-visit']
    """
    look = _Look(patient, on, weeks, observations, facts(patient, on), latest_patches(patient, on),
                 dict(plans or {}))  # fmt: skip
    return order_flags(flag for check in _CHECKS for flag in check(look))


def check_flags(p_value: float, worst: Seen | str | None, effective: float) -> tuple[Flag, ...]:
    """Say whether the model believes the data of this patient.

    Parameters
    ----------
    p_value : of the posterior predictive check: share of simulated people like this one whose
        data deviate at least as far as theirs [1]; NaN when the check gave none.
    worst : which reading deviates most, itself or in words; None when none stands out.
    effective : how many simulated people the answer rests on [1].

    Returns
    -------
    tuple of Flag
        ``stop`` when the data cannot be explained: no forecast may be shown.

    Examples
    --------
    >>> [flag.key for flag in check_flags(0.02, "regrowth of vertex on 2025-02-25", 900.0)]
    ['check-doubt']
    >>> check_flags(0.4, None, 900.0)
    ()
    """
    found = _named(worst)
    flags: list[Flag] = []
    if math.isnan(p_value):
        flags.append(raise_flag("check-missing", found=found))
    elif p_value < limit_of("check-fail"):
        flags.append(raise_flag("check-fail", p_value, found))
    elif p_value < limit_of("check-doubt"):
        flags.append(raise_flag("check-doubt", p_value, found))
    if not effective >= limit_of("few-effective"):
        flags.append(raise_flag("few-effective", effective))
    return order_flags(flags)


def _named(worst: Seen | str | None) -> str:
    if worst is None or isinstance(worst, str):
        return worst or "no single reading stands out"
    where = "" if worst.patch is None or worst.patch in worst.label else f", patch {worst.patch}"
    when = "" if worst.day.isoformat() in worst.label else f", {worst.day}"
    return f"{worst.label}{where}{when}"


def order_flags(flags: Iterable[Flag]) -> tuple[Flag, ...]:
    """Sort flags, gravest first; equal ones keep their order."""
    return tuple(sorted(flags, key=lambda flag: SEVERITIES.index(flag.severity)))


def is_withheld(flags: Iterable[Flag]) -> bool:
    """Whether a flag forbids to show the forecast.

    Examples
    --------
    >>> is_withheld(check_flags(0.0, None, 500.0))
    True
    """
    return any(flag.severity == "stop" for flag in flags)


def _few(names: Iterable[str]) -> str:
    """Names in a list that stays readable."""
    every = list(dict.fromkeys(names))
    more = len(every) - _NAMES_SHOWN
    return ", ".join(every[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _mentioned(entries: Iterable[str], terms: tuple[str, ...]) -> list[str]:
    return [entry for entry in entries if mentions(entry, terms)]


# ---- who ----------------------------------------------------------------------------------------


def _person(look: _Look) -> Iterator[Flag]:
    known = look.facts
    age = known.age_years
    if age is None:
        yield raise_flag("age-unknown")
    elif age < limit_of("young-child", "year"):
        yield raise_flag("young-child", age)
    elif age < limit_of("child", "year"):
        yield raise_flag("child", age)
    if known.weight_kg is None:
        yield raise_flag("weight-unknown")
    if known.pregnant:
        yield raise_flag("pregnancy")
    if known.breast_feeding:
        yield raise_flag("breast-feeding")


# ---- which disease ------------------------------------------------------------------------------


def _disease(look: _Look) -> Iterator[Flag]:
    rows, known = load_flag_rows(), look.facts
    words = tuple(known.conditions or ())
    yield from _extent(look)
    band = _mentioned(words, load_flag_words("ophiasis"))
    if look.patient.history.ophiasis or band:
        yield raise_flag("ophiasis", found=_few(band) or "Ophiasis is recorded")
    if fast := _mentioned((*words, *known.signs), rows["rapid"].terms):
        yield raise_flag("rapid", found=_few(fast))
    elsewhere = [f"{name} ({seen.site})" for name, seen in look.patches.items()
                 if seen.site != "scalp"]  # fmt: skip
    if elsewhere:
        yield raise_flag("other-skin", found=_few(elsewhere))


def _extent(look: _Look) -> Iterator[Flag]:
    rows = load_flag_rows()
    if total := _mentioned(look.facts.conditions or (), rows["totalis-words"].terms):
        yield raise_flag("totalis-words", found=_few(total))
        return
    extent, how = _affected_percent(look)
    if extent is None:
        return
    if extent >= limit_of("totalis", "%"):
        yield raise_flag("totalis", extent, f"{extent:.0f} % of the scalp is affected ({how})")
    elif extent >= limit_of("extent", "%"):
        yield raise_flag("extent", extent, how)


def _affected_percent(look: _Look) -> tuple[float | None, str]:
    """Share of the scalp affected [%], by SALT or else by what is drawn, and which of the two."""
    if look.facts.salt_now is not None:
        return look.facts.salt_now, "SALT"
    shapes = {name: seen.shape for name, seen in look.patches.items()
              if seen.shape is not None and seen.site == "scalp"}  # fmt: skip
    if not shapes:
        return None, ""
    import numpy as np

    from anagen.patient.drawings import patient_scalp
    from anagen.scalp import area_cm2, patch_cells

    scalp = patient_scalp(look.patient)
    covers = [patch_cells(scalp, shape, f"patch {name}") for name, shape in shapes.items()]
    bald = area_cm2(scalp, np.max(covers, axis=0))
    whole = area_cm2(scalp, np.ones(len(scalp.position)))
    return convert(bald / whole, "1", "%"), "area drawn"


def _old_patches(look: _Look) -> Iterator[Flag]:
    old, oldest = (limit_of(key, "day") for key in ("patch-old", "patch-older-than-any"))
    ages = {name: patch_age_days(look.patient, name, look.on) or 0.0
            for name in look.scalp_patches}  # fmt: skip
    for key, low, high in (("patch-older-than-any", oldest, math.inf), ("patch-old", old, oldest)):
        found = [f"{name} is {convert(age, 'day', 'month'):.0f} months old"
                 for name, age in ages.items() if low < age <= high]  # fmt: skip
        if found:
            yield raise_flag(key, found=_few(found))


# ---- how far ahead ------------------------------------------------------------------------------


def _horizon(look: _Look) -> Iterator[Flag]:
    planned = [session.date for plan in look.plans.values() for session in plan.sessions]
    first = course_start(look.patient, look.on) or min(planned, default=look.on)
    end = look.on + timedelta(weeks=look.weeks)
    months = convert((end - first) / timedelta(days=1), "day", "month")
    if months > limit_of("horizon", "month"):
        yield raise_flag("horizon", months)


# ---- how much is known --------------------------------------------------------------------------


def _knowledge(look: _Look) -> Iterator[Flag]:
    visits = visits_until(look.patient, look.on)
    if not visits:
        yield raise_flag("no-visit", found=look.on.isoformat())
        return
    read = _readings(look)
    days = {day for row in read.values() for day in row}
    if not days:
        yield raise_flag("no-reading")
    else:
        if len(days) < limit_of("few-readings"):
            yield raise_flag("few-readings", float(len(days)))
        if unread := [name for name in look.scalp_patches if not read.get(name)]:
            yield raise_flag("patch-unread", found=_few(unread))
    weeks = (look.on - visits[-1].date) / timedelta(weeks=1)
    if weeks > limit_of("old-data", "week"):
        yield raise_flag("old-data", weeks)


def _readings(look: _Look) -> dict[str, set[date]]:
    """Days with a reading of regrowth, per patch, after the day when it was first recorded."""
    visits = visits_until(look.patient, look.on)
    first: dict[str, date] = {}
    for visit in visits:
        for seen in visit.patches:
            first.setdefault(seen.id, visit.date)
    if look.observations is not None:
        read = [(row.patch, row.day) for row in look.observations
                if row.kind in _REGROWTH and row.day <= look.on]  # fmt: skip
    else:
        read = [(seen.id, visit.date) for visit in visits for seen in visit.patches
                if _is_read(seen)]  # fmt: skip
    days: dict[str, set[date]] = {}
    for patch, day in read:
        if patch is not None and day > first.get(patch, date.max):
            days.setdefault(patch, set()).add(day)
    return days


_REGROWTH = frozenset({"cover", "missing"})


def _is_read(seen: PatchSeen) -> bool:
    rows = (seen, *getattr(seen, "readings", ()))
    return any(row.regrowth_percent is not None or row.regrowth_grade is not None for row in rows)


# ---- what was given -----------------------------------------------------------------------------


def _sessions(look: _Look) -> Iterator[Flag]:
    sums = [row for row in look.patient.session_summaries if row.date <= look.on]
    if sums:
        yield raise_flag("sums-only", found=_few(row.date.isoformat() for row in sums))
    unknown = [row.date.isoformat() for row in sums if row.strength_mg_per_mL is None]
    if unknown:
        yield raise_flag("strength-unknown", found=_few(unknown))
    yield from _unusual(look)


def _unusual(look: _Look) -> Iterator[Flag]:
    """Strengths and drugs, given or planned, that no trial had."""
    most, least = (limit_of(key, "mg/mL") for key in ("too-strong", "too-weak"))
    used = [use for use in _used(look) if _drug(use[0])]
    strong = [(strength, where) for _, strength, where in used if strength > most]
    weak = [(strength, where) for _, strength, where in used if 0 < strength < least]
    if strong:
        yield raise_flag("too-strong", max(strong)[0], _few(where for _, where in strong))
    if weak:
        yield raise_flag("too-weak", min(weak)[0], _few(where for _, where in weak))
    others = [f"{product} ({where})" for product, _, where in used
              if _drug(product) not in load_flag_words("calibrated_drugs")]  # fmt: skip
    if others:
        yield raise_flag("other-drug", found=_few(others))


def _used(look: _Look) -> Iterator[tuple[str, float, str]]:
    """Product, strength [mg/mL] (NaN when not recorded), and where it stands."""
    given = [(f"{row.date.isoformat()}", row) for row in look.patient.sessions
             if row.date <= look.on]  # fmt: skip
    planned = [(f"plan {name}", row) for name, plan in look.plans.items() for row in plan.sessions]
    for where, session in (*given, *planned):
        kinds = {(site.product, site.strength_mg_per_mL) for site in session.injections
                 if site.status != "skipped"}  # fmt: skip
        yield from ((product, strength, where) for product, strength in sorted(kinds))
    for row in look.patient.session_summaries:
        if row.date <= look.on:
            yield row.product, row.strength_mg_per_mL or math.nan, row.date.isoformat()


def _drug(product: str) -> str:
    """Drug of a product; nothing for saline and the like, the name itself when unknown."""
    from anagen.evidence.products import load_products

    known = load_products().get(product)
    return product if known is None else known.drug


def _treatments(look: _Look) -> Iterator[Flag]:
    listed = look.facts.medicines or ()
    systemic = _mentioned(listed, load_flag_words("systemic"))
    if systemic:
        yield raise_flag("systemic-treatment", found=_few(systemic))
    since = look.on - timedelta(days=limit_of("systemic-steroid", "day"))
    steroids = [f"{row.drug}, {row.route}" for row in look.patient.other_steroids
                if row.route in load_flag_words("systemic_routes")
                and row.start <= look.on and (row.end or row.start) >= since]  # fmt: skip
    if steroids:
        yield raise_flag("systemic-steroid", found=_few(steroids))
    local = [entry for entry in _mentioned(listed, load_flag_words("local"))
             if entry not in systemic]  # fmt: skip
    local += [f"{row.drug}, {row.route}" for row in look.patient.other_steroids
              if row.route == "topical" and row.start <= look.on
              and (row.end or look.on) >= since]  # fmt: skip
    if local:
        yield raise_flag("local-treatment", found=_few(local))


_CHECKS: tuple[_Check, ...] = (
    _person, _disease, _old_patches, _horizon, _knowledge, _sessions, _treatments,
)  # fmt: skip
