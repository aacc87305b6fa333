"""What simulations of claims share: people, their weights, and courses followed once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np

from anagen.errors import EvidenceError
from anagen.evidence.claims import Argument, Published
from anagen.evidence.parameters import ParameterSet, load_parameters
from anagen.population.bank import Row
from anagen.population.cohort import NATURAL, Blood, Regimen, follow_blood
from anagen.population.conditions import ArmCase
from anagen.population.fit_data import natural_rows
from anagen.population.mechanism import Inside, follow_inside
from anagen.population.posterior import Posterior
from anagen.population.settings import Setting
from anagen.population.weighed import Weighed

Arguments = Mapping[str, Any]
Report = Callable[[str], None]

USUAL = Setting("localized")
_COURSE_WEEKS = 52
_BLOOD_WEEKS = 26


@dataclass(frozen=True)
class Figure:
    """What a simulation found.

    Parameters
    ----------
    draws : (draw,) of the population, in the claim's unit.
    study : low end, middle and high end of the 95 % interval of what a study of the published
        size would find; None to add the published error to the draws.
    published : figure of the literature where the claim does not state it.
    note : anything a reader must know.
    """

    draws: np.ndarray
    study: np.ndarray | None = None
    published: Published | None = None
    note: str = ""


@dataclass(frozen=True)
class Simulation:
    """A simulation that tests claims.

    Parameters
    ----------
    words : what is done, a template filled with the claim's arguments.
    read : its figure.
    rows : what must be asked of people beforehand.
    cases : whether it reads a published arm, named by ``study``, ``arm``, ``endpoint``, ``week``.
    """

    words: str
    read: Callable[["World", Arguments], Figure]
    rows: Callable[[Arguments], list[Row]] = lambda arguments: []
    cases: bool = False


@dataclass
class World:
    """People who were followed for all claims; further courses are followed when first asked for.

    Parameters
    ----------
    found : people with the answers to all rows; cases : published arms among them.
    posterior : of the population; seed : of studies drawn.
    report : told what is being followed.
    """

    found: Weighed
    cases: Sequence[ArmCase]
    posterior: Posterior
    seed: int = 0
    report: Report | None = None
    _inside: dict[tuple[Regimen, bool], Inside] = field(default_factory=dict)
    _blood: dict[tuple[Regimen, float], Blood] = field(default_factory=dict)

    @property
    def parameters(self) -> ParameterSet:
        """Parameters of what is not a trait."""
        return load_parameters()

    def draws(self, name: str) -> np.ndarray:
        """Draws (draw, ...) of a posterior's number."""
        return np.asarray(self.posterior.draws[name][np.array(self.found.asked.draws)])

    def mean(self, key: str) -> np.ndarray:
        """Mean (draw,) of a row."""
        return self.found.mean(self.found.values(key), self.found.setting(key))

    def usual(self, values: np.ndarray) -> np.ndarray:
        """Mean (draw,) of values (person,) or (draw, person) of the usual people."""
        return self.found.mean(values, USUAL.name)

    def inside(self, regimen: Regimen, *, spreads: bool = True) -> Inside:
        """Follow what happens inside the patches of the usual people; the attack may stay put."""
        key = (regimen, spreads)
        if key not in self._inside:
            self._say(regimen)
            people = self.found.people[USUAL.name].patches
            if not spreads:
                still = np.zeros(len(people))
                people = replace(people, traits={**people.traits, "immunity.mobility": still})
            self._inside[key] = follow_inside(people, regimen, _COURSE_WEEKS)
        return self._inside[key]

    def blood(self, regimen: Regimen, dose: float) -> Blood:
        """Follow the blood of the usual people at a dose [mg] a session."""
        key = (regimen, dose)
        if key not in self._blood:
            self._say(regimen)
            people = self.found.people[USUAL.name].patches
            sites = np.full(len(people), round(dose / (regimen.strength * regimen.volume)))
            self._blood[key] = follow_blood(people.traits, sites, regimen, _BLOOD_WEEKS)
        return self._blood[key]

    def _say(self, regimen: Regimen) -> None:
        if self.report:
            done = len(self._inside) + len(self._blood) + 1
            self.report(f"{regimen_words(regimen)}, inside ({done} of {done})")


def regimen_of(arguments: Arguments, prefix: str = "") -> Regimen:
    """Regimen of a claim: strength [mg/mL], sessions and interval [week]; natural at strength 0."""
    strength = float(arguments[f"{prefix}strength"])
    if strength == 0.0:
        return NATURAL
    given = {name: arguments.get(f"{prefix}{name}", arguments[name])
             for name in ("interval", "sessions")}  # fmt: skip
    return Regimen(strength, float(given["interval"]), int(given["sessions"]))


def regimen_words(regimen: Regimen) -> str:
    """Regimen in words.

    Examples
    --------
    >>> regimen_words(Regimen(5.0, 4.0, 3))
    '3 sessions of 5 mg/mL every 4 weeks'
    """
    if not regimen.days:
        return "no treatment"
    if regimen.sessions == 1:
        return f"one session of {regimen.strength:g} mg/mL"
    return (
        f"{regimen.sessions} sessions of {regimen.strength:g} mg/mL "
        f"every {regimen.interval:g} weeks"
    )


@lru_cache(maxsize=1)
def settings() -> Mapping[str, Setting]:
    """Kinds of people that a claim may name: the usual ones of a trial, and new patches."""
    return {"usual": USUAL, "new": natural_rows()[0].setting}


def setting_of(arguments: Arguments) -> Setting:
    """Kind of people that a claim names; the usual ones when it names none."""
    name = str(arguments.get("people", "usual"))
    if name not in settings():
        raise EvidenceError(f"claims: people {name!r} are none of {', '.join(settings())}")
    return settings()[name]


def fill(words: str, arguments: Mapping[str, Argument]) -> str:
    """Fill a template of words with the arguments of a claim, ``given`` and ``other`` regimen."""
    known: dict[str, Any] = dict(arguments)
    for name, prefix in (("given", ""), ("other", "other_")):
        if f"{prefix}strength" in arguments:
            known[name] = regimen_words(regimen_of(arguments, prefix))
    try:
        return words.format(**known)
    except (KeyError, ValueError, IndexError) as error:
        raise EvidenceError(f"claims: {words!r} lacks or cannot use {error}") from error
