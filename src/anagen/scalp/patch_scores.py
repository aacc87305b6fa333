"""Scores of one patch: regrowth on published scales, hair pull test, trichoscopy signs.

Grades, bounds and limits are data (``evidence/data/scales.toml``); here is only the arithmetic.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from anagen.errors import InputError, Problem
from anagen.evidence.scales import DECIMALS, Scale, load_scales
from anagen.scalp.checks import count_problems, grade_of, range_problems


@dataclass(frozen=True)
class PullResult:
    """Reading of a hair pull test.

    Parameters
    ----------
    pulled, grasped : hairs that came out with their root, and hairs held.
    abnormal : by the criterion.
    criterion : key of the criterion.
    limit : abnormal above this number of hairs.
    statement : the reading in words.
    """

    pulled: int
    grasped: int | None
    abnormal: bool
    criterion: str
    limit: float
    statement: str


@dataclass(frozen=True)
class TrichoscopyIndex:
    """Trichoscopy signs of one patch, summed up.

    Parameters
    ----------
    activity : mean grade of the activity signs seen, as share of the most (0 to 1); None when no
        activity sign was recorded.
    recovery : the same for the signs of recovery.
    recorded : names of the signs that were recorded.
    missing : names of the signs that were not.
    """

    activity: float | None
    recovery: float | None
    recorded: tuple[str, ...]
    missing: tuple[str, ...]


def regrowth_grade(share: float, scale: str) -> str:
    """Grade of a patch's regrowth on a published scale.

    Parameters
    ----------
    share : share of the patch covered again, 0 to 1.
    scale : key of the scale; see `regrowth_scales`.

    Returns
    -------
    str
        Label of the grade, as records write it.

    Raises
    ------
    InputError
        When the scale is unknown or the share is not between 0 and 1.

    Examples
    --------
    >>> regrowth_grade(0.8, "rgs"), regrowth_grade(0.8, "hrg")
    ('4', 'IV')
    """
    found = _regrowth_scale(scale)
    problems = range_problems("share", share, found.lower, found.upper)
    if problems:
        raise InputError(problems)
    return grade_of(found, share).label


def regrowth_interval(grade: str | int, scale: str) -> tuple[float, float]:
    """Bounds of the share regrown that a grade stands for.

    Parameters
    ----------
    grade : label of the grade; a whole number is read as its text.
    scale : key of the scale; see `regrowth_scales`.

    Returns
    -------
    tuple of float
        Least and largest share, 0 to 1; the bounds may belong to the neighbours, see `Grade`.

    Raises
    ------
    InputError
        When the scale or the grade is unknown.

    Examples
    --------
    >>> regrowth_interval("III", "hrg")
    (0.5, 0.75)
    """
    found = _regrowth_scale(scale)
    labels = {item.label: item for item in found.grades}
    label = str(grade).strip()
    if isinstance(grade, bool) or label not in labels:
        raise InputError(
            Problem("grade", f"one of {', '.join(labels)} ({found.name})", repr(grade),
                    "Use a grade of this scale, or name the scale it belongs to.")
        )  # fmt: skip
    return labels[label].lower, labels[label].upper


def regrowth_scales() -> Mapping[str, Scale]:
    """All scales of regrowth by key, with their grades, bounds and sources.

    Examples
    --------
    >>> [grade.label for grade in regrowth_scales()["rgs"].grades]
    ['0', '1', '2', '3', '4']
    """
    return load_scales().regrowth


def hair_pull(
    pulled: int, grasped: int | None = None, criterion: str = "more_than_two"
) -> PullResult:
    """Read a hair pull test.

    Parameters
    ----------
    pulled : hairs that came out with their root; broken hairs do not count.
    grasped : hairs held; may be left out for a criterion that counts hairs.
    criterion : ``more_than_two`` (of 50 to 60 hairs) or the older ``one_in_ten``.

    Raises
    ------
    InputError
        When the criterion is unknown, a number is no count, more hairs came out than were held, or
        the criterion is not defined for so many hairs.

    References
    ----------
    HairPullNew, HairPullOld.

    Examples
    --------
    >>> hair_pull(3, 60).abnormal, hair_pull(3, 60, "one_in_ten").abnormal
    (True, False)
    """
    criteria = load_scales().pull
    if criterion not in criteria:
        raise InputError(
            Problem("criterion", f"one of {', '.join(criteria)}", repr(criterion), "Choose one.")
        )
    rule = criteria[criterion]
    held = (rule.hairs_low, rule.hairs_high)
    problems = count_problems("pulled", pulled, 0.0, held[1])
    if grasped is not None:
        problems += count_problems("grasped", grasped, *held)
    elif rule.measure == "share":
        problems.append(
            Problem("grasped", "the number of hairs held", "nothing", "Count or estimate it.")
        )
    if not problems and grasped is not None and pulled > grasped:
        problems.append(
            Problem("pulled", f"at most the {grasped} hairs held", str(pulled),
                    "Exchange the two numbers if they were swapped.")
        )  # fmt: skip
    if problems:
        raise InputError(problems)
    limit = rule.limit if rule.measure == "count" else rule.limit * float(grasped or 0)
    abnormal = pulled > round(limit, DECIMALS)
    verdict = "abnormal" if abnormal else "normal"
    of = f" of {grasped}" if grasped is not None else ""
    statement = f"{pulled}{of} hairs pulled out: {verdict} ({rule.name} is abnormal)."
    return PullResult(pulled, grasped, abnormal, criterion, limit, statement)


def trichoscopy_signs() -> tuple[str, ...]:
    """Keys of the trichoscopy signs that are scored.

    Examples
    --------
    >>> "black_dots" in trichoscopy_signs()
    True
    """
    return tuple(load_scales().signs)


def trichoscopy_activity(signs: Mapping[str, int | None]) -> TrichoscopyIndex:
    """Sum up the trichoscopy signs of a patch as activity and recovery.

    index = sum(weight grade) / (3 sum(weight)), over the signs recorded of each part

    Parameters
    ----------
    signs : grade 0 (absent) to 3 (marked) by sign, see `trichoscopy_signs`; a sign that was not
        looked for is left out or None.

    Raises
    ------
    InputError
        When a sign is unknown or a grade is not 0, 1, 2 or 3; all problems together.

    References
    ----------
    TrichoscopyReview2023 for the signs; the index is the project's own design.

    Examples
    --------
    >>> seen = {"black_dots": 3, "tapering_hairs": 0, "short_vellus_hairs": 3}
    >>> index = trichoscopy_activity(seen)
    >>> index.activity, index.recovery
    (0.5, 1.0)
    """
    scales = load_scales()
    most = scales.limits["trichoscopy_most"].value
    problems = []
    for key, grade in signs.items():
        if key not in scales.signs:
            problems.append(
                Problem(f"signs.{key}", f"one of {', '.join(scales.signs)}", repr(key),
                        "Use the name of a sign.")
            )  # fmt: skip
        elif grade is not None:
            problems += count_problems(f"signs.{key}", grade, 0.0, most)
    if problems:
        raise InputError(problems)
    recorded = {key: signs[key] for key in scales.signs if signs.get(key) is not None}
    parts: dict[str, float | None] = {}
    for part in ("activity", "recovery"):
        weights = {
            key: scales.signs[key].weight for key in recorded if scales.signs[key].part == part
        }
        total = sum(weight * float(recorded[key] or 0) for key, weight in weights.items())
        parts[part] = total / (most * sum(weights.values())) if weights else None
    missing = tuple(key for key in scales.signs if key not in recorded)
    return TrichoscopyIndex(parts["activity"], parts["recovery"], tuple(recorded), missing)


def _regrowth_scale(key: str) -> Scale:
    scales = regrowth_scales()
    if key not in scales:
        raise InputError(
            Problem("scale", f"one of {', '.join(scales)}", repr(key),
                    "Name the scale the grade was given on.")
        )  # fmt: skip
    return scales[key]
