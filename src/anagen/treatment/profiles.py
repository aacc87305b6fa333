"""Profiles: which rules hold for a clinic, with which of the numbers somebody is cited for."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from anagen.errors import EvidenceError, InputError, Problem

if TYPE_CHECKING:
    from anagen.evidence.rules import Profile


def profile_names() -> tuple[str, ...]:
    """Names of all profiles, the default first.

    Examples
    --------
    >>> profile_names()[0]
    'anagen-default'
    """
    from anagen.evidence.rules import load_profiles

    return tuple(load_profiles())


def load_profile(name: str | None = None, numbers: Mapping[str, float] | None = None) -> "Profile":
    """Load a profile, if wanted with other numbers that somebody is cited for.

    Parameters
    ----------
    name : name of the profile; None for the default.
    numbers : number by key of the rule, in the rule's unit, for example
        ``{"mg-per-session": 20}``. Its source comes with it.

    Returns
    -------
    Profile

    Raises
    ------
    InputError
        When there is no such profile or rule, or nobody is cited for a number.

    Examples
    --------
    >>> load_profile("uk-smpc", {"mg-per-session": 20}).rule("mg-per-session").number
    20.0
    """
    from anagen.evidence.rules import DEFAULT_PROFILE, load_profiles

    profiles = load_profiles()
    profile = profiles.get(name or DEFAULT_PROFILE)
    if profile is None:
        raise InputError(
            Problem("profile", f"one of {', '.join(profiles)}", repr(name), "Choose one of them.")
        )
    problems = []
    rules = {rule.key: rule for rule in profile.rules}
    for key, number in (numbers or {}).items():
        place = f"numbers[{key}]"
        if key not in rules:
            problems.append(
                Problem(place, f"a rule of profile {profile.key}", repr(key), "Check its key.")
            )
            continue
        try:
            rules[key] = rules[key].with_number(number)
        except EvidenceError:
            cited = [rules[key].number, *(other.number for other in rules[key].alternatives)]
            expected = "one of " + ", ".join(f"{one:g}" for one in cited if one is not None)
            problems.append(
                Problem(place, expected, repr(number), "Choose a number somebody is cited for.")
            )
    if problems:
        raise InputError(problems)
    return replace(profile, rules=tuple(rules.values()))
