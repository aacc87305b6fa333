"""Severity of alopecia areata from the share of scalp lost: SALT and what follows from it.

Cut-points and weights are data (``evidence/data/scales.toml``); here is only the arithmetic. Shares
are numbers from 0 to 1, SALT is in percent from 0 to 100.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from anagen.errors import InputError, Problem
from anagen.evidence.scales import DECIMALS, load_scales
from anagen.scalp.checks import grade_of, is_number, range_problems

_IMPROVEMENTS = ("salt30", "salt50", "salt75", "salt90")


@dataclass(frozen=True)
class SaltImprovement:
    """Change of SALT from baseline.

    Parameters
    ----------
    baseline, now : [%] SALT before and now.
    percent : [%] fall relative to baseline, negative when worse; None when the baseline is 0.
    reached : for ``SALT30``, ``SALT50``, ``SALT75``, ``SALT90``, whether the fall is that large;
        None where the baseline is 0.
    salt_20 : whether SALT is now 20 or less.
    relative_is_meaningful : whether the baseline is high enough for a relative change.
    absolute_is_meaningful : whether SALT was above 20 at baseline.
    statement : what this says and what it does not, in words.
    """

    baseline: float
    now: float
    percent: float | None
    reached: Mapping[str, bool | None]
    salt_20: bool
    relative_is_meaningful: bool
    absolute_is_meaningful: bool
    statement: str


@dataclass(frozen=True)
class ScaleModifiers:
    """What raises the Alopecia Areata Scale by one level; None or False where not present.

    Parameters
    ----------
    psychosocial_impact : rating from 0 to 10 of the impact on psychosocial functioning.
    brow_or_lash_loss : noticeable loss of eyebrows or eyelashes.
    months_without_adequate_response : [month] of treatment without adequate response.
    diffuse_positive_pull_test : diffuse positive pull test, as in rapidly progressive disease.
    """

    psychosocial_impact: float | None = None
    brow_or_lash_loss: bool = False
    months_without_adequate_response: float | None = None
    diffuse_positive_pull_test: bool = False


@dataclass(frozen=True)
class ScaleLevel:
    """Level on the Alopecia Areata Scale.

    Parameters
    ----------
    level : mild, moderate or severe, modifiers included.
    level_by_extent : the level by SALT alone.
    modifiers : names of the modifiers present.
    """

    level: str
    level_by_extent: str
    modifiers: tuple[str, ...]

    @property
    def raised(self) -> bool:
        """Whether a modifier raised the level."""
        return self.level != self.level_by_extent


def salt(loss_share_by_region: Mapping[str, float], place: str = "loss") -> float:
    """Severity of Alopecia Tool: percentage of the scalp without hair.

    SALT = 100 (0.40 top + 0.24 back + 0.18 left + 0.18 right)

    Parameters
    ----------
    loss_share_by_region : share of ``top``, ``back``, ``left`` and ``right`` that is bald, 0 to 1.
    place : where the shares come from, for messages.

    Returns
    -------
    float
        [%] from 0 to 100.

    Raises
    ------
    InputError
        When a region is missing or unknown, or a share is not between 0 and 1; all problems.

    References
    ----------
    SALTCalculator, Olsen2004.

    Examples
    --------
    >>> salt({"top": 0.0, "back": 0.0, "left": 0.0, "right": 0.2})
    3.6
    """
    weights = load_scales().salt_weights
    problems = _region_problems(loss_share_by_region, weights, place)
    if problems:
        raise InputError(problems)
    total = sum(weight * float(loss_share_by_region[region]) for region, weight in weights.items())
    return round(100.0 * total, DECIMALS)


def salt_partial(
    bald_share_by_region: Mapping[str, float],
    partial_share_by_region: Mapping[str, float],
    weight: float | None = None,
) -> float:
    """SALT in which areas of partial regrowth count in part, not as bald or as healed.

    SALT_partial = SALT(bald) + weight SALT(partial)

    Parameters
    ----------
    bald_share_by_region : share of each region without visible hair, 0 to 1.
    partial_share_by_region : share of each region with vellus or thin hair, 0 to 1; with the bald
        share at most 1.
    weight : how much partial regrowth counts as loss, 0 to 1; one half as in rwSALT by default.

    Returns
    -------
    float
        [%] from 0 to 100.

    Raises
    ------
    InputError
        When a share or the weight is not between 0 and 1, or two shares exceed their region.

    References
    ----------
    rwSALT.

    Examples
    --------
    >>> none = {"top": 0.0, "back": 0.0, "left": 0.0, "right": 0.0}
    >>> salt_partial(none | {"top": 0.1}, none | {"top": 0.2})
    8.0
    """
    scales = load_scales()
    problems = _region_problems(bald_share_by_region, scales.salt_weights, "bald")
    problems += _region_problems(partial_share_by_region, scales.salt_weights, "partial")
    if weight is None:
        weight = scales.limits["partial_regrowth_weight"].value
    problems += range_problems("weight", weight, 0.0, 1.0)
    if not problems:
        problems = [
            Problem(
                f"bald.{region} + partial.{region}",
                "together at most 1, the whole region",
                f"{bald_share_by_region[region] + partial_share_by_region[region]:g}",
                "Count each area once: bald or partly regrown.",
            )
            for region in scales.salt_weights
            if bald_share_by_region[region] + partial_share_by_region[region] > 1.0 + 1e-9
        ]
    if problems:
        raise InputError(problems)
    total = salt(bald_share_by_region) + weight * salt(partial_share_by_region)
    return round(min(total, 100.0), DECIMALS)


def s_class(salt_percent: float) -> str:
    """S-class of a SALT score: ``S0``, ``S1``, ``S2``, ``S3``, ``S4a``, ``S4b`` or ``S5``.

    Parameters
    ----------
    salt_percent : [%] SALT.

    Raises
    ------
    InputError
        When SALT is not between 0 and 100.

    References
    ----------
    SALTSubclasses; the split of S4 is from memory of Olsen2004.

    Examples
    --------
    >>> s_class(24.0), s_class(25.0), s_class(96.0)
    ('S1', 'S2', 'S4b')
    """
    return _class("s_class", salt_percent)


def aa_iga(salt_percent: float) -> str:
    """Investigator's global assessment: none, limited, moderate, severe or very severe.

    Parameters
    ----------
    salt_percent : [%] SALT.

    Raises
    ------
    InputError
        When SALT is not between 0 and 100.

    References
    ----------
    AAIGA_UK, LillyAADiagnosis.

    Examples
    --------
    >>> aa_iga(20.0), aa_iga(21.0)
    ('limited', 'moderate')
    """
    return _class("aa_iga", salt_percent)


def aa_scale(salt_percent: float, modifiers: ScaleModifiers | None = None) -> ScaleLevel:
    """Alopecia Areata Scale: mild, moderate or severe, raised one level by any modifier.

    Several modifiers raise by one level together; severe stays severe.

    Parameters
    ----------
    salt_percent : [%] SALT.
    modifiers : what else is known; nothing by default.

    Raises
    ------
    InputError
        When SALT, the rating or the months are out of range.

    References
    ----------
    AAScale2022.

    Examples
    --------
    >>> aa_scale(10.0, ScaleModifiers(psychosocial_impact=7)).level
    'moderate'
    """
    scales = load_scales()
    modifiers = modifiers or ScaleModifiers()
    problems = _salt_problems("SALT", salt_percent)
    impact, months = modifiers.psychosocial_impact, modifiers.months_without_adequate_response
    if impact is not None:
        most = scales.limits["psychosocial_most"].value
        problems += range_problems("psychosocial_impact", impact, 0.0, most)
    if months is not None:
        problems += range_problems("months_without_adequate_response", months, 0.0, 1200.0)
    if problems:
        raise InputError(problems)
    least = scales.limits["psychosocial_impact"].value
    long = scales.limits["inadequate_response_months"].to("month")
    present = {
        "psychosocial impact": impact is not None and impact >= least,
        "loss of brows or lashes": modifiers.brow_or_lash_loss,
        "inadequate response": months is not None and months >= long,
        "diffuse positive pull test": modifiers.diffuse_positive_pull_test,
    }
    names = tuple(name for name, there in present.items() if there)
    labels = [grade.label for grade in scales.classes["aa_scale"].grades]
    base = labels.index(_class("aa_scale", salt_percent))
    level = min(base + 1, len(labels) - 1) if names else base
    return ScaleLevel(labels[level], labels[base], names)


def salt_improvement(baseline: float, now: float) -> SaltImprovement:
    """Relative fall of SALT, the steps it reaches, and whether they mean anything.

    percent = 100 (baseline - now) / baseline

    Parameters
    ----------
    baseline : [%] SALT before treatment.
    now : [%] SALT now.

    Raises
    ------
    InputError
        When either is not between 0 and 100.

    References
    ----------
    SALT20Success for SALT <= 20.

    Examples
    --------
    >>> change = salt_improvement(40.0, 10.0)
    >>> change.percent, change.reached["SALT75"], change.salt_20
    (75.0, True, True)
    >>> salt_improvement(4.0, 1.0).relative_is_meaningful
    False
    """
    problems = _salt_problems("baseline", baseline) + _salt_problems("now", now)
    if problems:
        raise InputError(problems)
    limits = load_scales().limits
    success, least = limits["salt_success"].value, limits["salt_baseline_least"].value
    percent = None if baseline == 0 else round(100.0 * (baseline - now) / baseline, DECIMALS)
    reached = {
        name.upper(): None if percent is None else percent >= limits[name].value
        for name in _IMPROVEMENTS
    }
    return SaltImprovement(
        baseline=baseline,
        now=now,
        percent=percent,
        reached=reached,
        salt_20=round(now, DECIMALS) <= success,
        relative_is_meaningful=baseline >= least,
        absolute_is_meaningful=baseline > success,
        statement=_improvement_statement(baseline, now, percent, success, least),
    )


def _class(key: str, salt_percent: float) -> str:
    problems = _salt_problems("SALT", salt_percent)
    if problems:
        raise InputError(problems)
    return grade_of(load_scales().classes[key], salt_percent).label


def _improvement_statement(
    baseline: float, now: float, percent: float | None, success: float, least: float
) -> str:
    if percent is None:
        return (
            f"SALT is {now:g} from a baseline of 0: there is no relative change. "
            "Follow each patch by its area and hair density."
        )
    verb, size = ("fell", percent) if percent >= 0 else ("rose", -percent)
    parts = [f"SALT {verb} by {size:.0f} % of baseline, from {baseline:g} to {now:g}."]
    if baseline < least:
        parts.append(
            f"A baseline below {least:g} is too low for a relative change to be told from reading "
            "error: follow each patch by its area and hair density."
        )
    if baseline <= success:
        parts.append(
            f"SALT was {success:g} or less already, so that SALT <= {success:g} says nothing."
        )
    return " ".join(parts)


def _salt_problems(place: str, value: float) -> list[Problem]:
    return [
        Problem(item.place, "SALT in percent, from 0 to 100", item.found, item.remedy)
        for item in range_problems(place, value, 0.0, 100.0)
    ]


def _region_problems(
    shares: Mapping[str, float], weights: Mapping[str, float], place: str
) -> list[Problem]:
    problems = [
        Problem(f"{place}.{region}", "a share from 0 to 1", "nothing", "Give 0 where hair is full.")
        for region in weights
        if region not in shares
    ]
    for region, share in shares.items():
        if region not in weights:
            problems.append(
                Problem(f"{place}.{region}", f"one of {', '.join(weights)}", repr(region),
                        "Use the name of a SALT region.")
            )  # fmt: skip
        elif range_problems("", share, 0.0, 1.0):
            percent = is_number(share) and 1.0 < share <= 100.0
            remedy = f"Divide percent by 100: {share / 100:g}." if percent else "Correct it."
            problems.append(
                Problem(f"{place}.{region}", "a share from 0 to 1", repr(share), remedy)
            )
    return problems
