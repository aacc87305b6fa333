"""What calibration is held against: rows of the bank and the published figures beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np

from anagen.evidence.rows import check_fields, number, parse_provenance, read_table
from anagen.population.bank import Group, Row, arrays, case_row
from anagen.population.cohort import NATURAL, Regimen
from anagen.population.conditions import ArmCase, Condition
from anagen.population.endpoints import SHARES, endpoint_of, person_values, regrowth
from anagen.population.person import Outcome
from anagen.population.settings import Setting

REFERENCE = "reference response"
"""Row by which severity is scaled: three quarters regrown at week 24 after six sessions."""

LOSS_WEEKS = (4, 9, 17, 26, 39, 52, 78)
"""Weeks after the last session at which early loss is read."""

WORDS = ("complete", "no_response", "visible", "onset", "regrowth")
"""Words of outcomes; what threshold readers mean by each is estimated."""

_WORD = {
    "complete": "complete",
    "no_response": "no_response",
    "visible_regrowth": "visible",
    "onset_week": "onset",
    "regrowth_at_least": "regrowth",
    "regrowth_between": "regrowth",
    "odds_ratio": "regrowth",
    "sessions_to_complete": "regrowth",
}

_SESSIONS = 3
_INTERVAL = 4.0
_HARM_SESSIONS = 4  # Ustuner2017: 3.7 on average
_LAST = int(_INTERVAL * (_SESSIONS - 1))
_SETTLED = 8  # weeks after the last session at which response is counted
_STRENGTHS = (5.0, 10.0)
_NEW = Setting("presentation", episode_days=(1.0, 60.0))
_USUAL = Setting("localized")
_PROVENANCE = frozenset({"origin", "source", "locator"})


@dataclass(frozen=True)
class Natural:
    """Share of new patches that regrow untreated by a week."""

    key: str
    week: int
    regrowth: float
    share: float
    people: float
    unclear: float


@dataclass(frozen=True)
class LocalHarm:
    """Share of people with a local harm after four monthly sessions."""

    key: str
    strengths: tuple[float, ...]
    share: float
    logit_sd: float
    effect: str


@dataclass(frozen=True)
class FitPrior:
    """Prior of a number that is not a trait: value and standard deviation."""

    value: float
    sd: float


@lru_cache(maxsize=1)
def natural_targets() -> tuple[Natural, ...]:
    """Load the published natural recovery of new patches."""
    required = _PROVENANCE | {"week", "regrowth", "share", "people", "unclear"}
    found = []
    for key, row in read_table("population/natural.toml")["natural"].items():
        fields = check_fields(f"natural {key}", row, required)
        parse_provenance(key, fields)
        found.append(
            Natural(key, int(fields["week"]), *(number(key, name, fields[name])
                    for name in ("regrowth", "share", "people", "unclear")))
        )  # fmt: skip
    return tuple(found)


@lru_cache(maxsize=1)
def harm_targets() -> tuple[LocalHarm, ...]:
    """Load the published local harms."""
    required = _PROVENANCE | {"strengths", "share", "logit_sd", "effect"}
    found = []
    for key, row in read_table("population/natural.toml")["harm"].items():
        fields = check_fields(f"harm {key}", row, required)
        parse_provenance(key, fields)
        found.append(
            LocalHarm(key, tuple(map(float, fields["strengths"])),
                      number(key, "share", row["share"]),
                      number(key, "logit_sd", row["logit_sd"]), fields["effect"])
        )  # fmt: skip
    return tuple(found)


@lru_cache(maxsize=1)
def fit_priors() -> Mapping[str, FitPrior]:
    """Priors of what is not a trait, by name."""
    found = {}
    for key, row in read_table("population/natural.toml")["prior"].items():
        fields = check_fields(f"prior {key}", row, _PROVENANCE | {"value", "sd", "unit"})
        parse_provenance(key, fields)
        found[key] = FitPrior(number(key, "value", row["value"]), number(key, "sd", row["sd"]))
    return found


def fit_rows(cases: Sequence[ArmCase]) -> list[Row]:
    """List all rows that calibration needs, of all settings."""
    return [*case_rows(cases), *natural_rows(), *reference_rows(), *loss_rows(), *harm_rows()]


def case_rows(cases: Sequence[ArmCase]) -> list[Row]:
    """List rows of arms, of what they are held against, and with moved thresholds."""
    rows = []
    for place, case in enumerate(cases):
        for against in (False, True) if case.against else (False,):
            rows += [
                case_row(case, case_key(place, against=against, moved=side), against=against,
                         shift=side * case.endpoint.reach)
                for side in ((0, -1, 1) if movable(case) else (0,))
            ]  # fmt: skip
    return rows


def movable(case: ArmCase) -> bool:
    """Whether it is not known exactly where readers put the threshold."""
    return case.endpoint.kind in _WORD and case.endpoint.reach > 0.0


def word_of(case: ArmCase) -> int:
    """Place of the case's word in `WORDS`."""
    return WORDS.index(_WORD[case.endpoint.kind])


def case_key(number: int, *, against: bool = False, moved: int = 0) -> str:
    """Key of a case's row: itself, what it is held against, or its threshold moved down or up."""
    side = {-1: " lower", 0: "", 1: " higher"}[moved]
    return f"case {number}{' against' if against else ''}{side}"


def natural_rows() -> list[Row]:
    """Rows of natural recovery."""
    return [
        Row(target.key, _NEW, (Condition(NATURAL, target.week, 1.0),),
            partial(_reached, level=target.regrowth))
        for target in natural_targets()
    ]  # fmt: skip


def reference_rows() -> list[Row]:
    """Row of the reference response."""
    conditions = tuple(
        Condition(Regimen(strength, _INTERVAL, 6), 24, 1.0 / len(_STRENGTHS))
        for strength in _STRENGTHS
    )
    return [Row(REFERENCE, _USUAL, conditions, partial(_reached, level=0.75))]


def loss_rows() -> list[Row]:
    """Rows of early loss among responders, by week after the last session."""
    longest = _LAST + LOSS_WEEKS[-1]
    conditions = tuple(
        Condition(Regimen(strength, _INTERVAL, _SESSIONS), longest, 1.0 / len(_STRENGTHS))
        for strength in _STRENGTHS
    )
    return [
        Row(loss_key(week), _USUAL, conditions, partial(_lost, after=week)) for week in LOSS_WEEKS
    ]


def harm_rows() -> list[Row]:
    """Rows of the worst thinning, by strength."""
    strengths = sorted({strength for target in harm_targets() for strength in target.strengths})
    return [
        Row(harm_key(strength), _USUAL,
            (Condition(Regimen(strength, _INTERVAL, _HARM_SESSIONS), 24, 1.0),), _worst)
        for strength in strengths
    ]  # fmt: skip


def loss_key(week: int) -> str:
    """Key of the row of early loss."""
    return f"lost {week} weeks after the last session"


def harm_key(strength: float) -> str:
    """Key of the row of thinning."""
    return f"thinning at {strength:g} mg/mL"


def _reached(outcome: Outcome, regimen: Regimen, week: int, *, level: float) -> np.ndarray:
    return person_values(endpoint_of("regrowth_at_least", level), outcome, week, regimen)


def _lost(outcome: Outcome, regimen: Regimen, week: int, *, after: int) -> np.ndarray:
    """Whether a responder has lost half of what had regrown; NaN of one who did not respond."""
    regrown = regrowth(outcome)
    settled = _LAST + _SETTLED
    best = np.maximum.accumulate(regrown, axis=1)
    end = _LAST + after
    lost = np.zeros(len(regrown), bool)
    if end > settled:
        lost = np.any(regrown[:, settled : end + 1] < 0.5 * best[:, settled : end + 1], axis=1)
    responded = best[:, settled] >= 0.5
    return np.where(responded, lost.astype(float), np.nan)


def _worst(outcome: Outcome, regimen: Regimen, week: int) -> np.ndarray:
    return np.asarray(1.0 - outcome.thinnest[:, : week + 1].min(1))


@dataclass(frozen=True)
class FitData:
    """Groups of people with their answers, and the figures to hold against them, as arrays.

    Parameters
    ----------
    people : by setting, arrays of `weights`.
    values, defined : by setting, (row, person).
    row : (setting, number) of every row by key.
    cases : published arms; study : (case,) number of the study; studies : their names.
    """

    people: Mapping[str, Mapping[str, Any]]
    values: Mapping[str, Any]
    defined: Mapping[str, Any]
    row: Mapping[str, tuple[str, int]]
    cases: tuple[ArmCase, ...]
    study: np.ndarray
    studies: tuple[str, ...]

    @property
    def vague(self) -> np.ndarray:
        """Numbers of the cases whose definition is unclear (case,)."""
        return np.flatnonzero([case.unclear > 0 for case in self.cases])

    @classmethod
    def of(cls, cases: Sequence[ArmCase], groups: Mapping[str, Group]) -> "FitData":
        """Join cases and groups, which are named by setting."""
        import jax.numpy as jnp

        studies = tuple(sorted({case.arm.study_id for case in cases}))
        study = np.array([studies.index(case.arm.study_id) for case in cases], int)
        row = {
            key: (name, number)
            for name, group in groups.items()
            for number, key in enumerate(group.keys)
        }
        return cls(
            {name: arrays(group.people) for name, group in groups.items()},
            {name: jnp.asarray(group.values) for name, group in groups.items()},
            {name: jnp.asarray(group.defined) for name, group in groups.items()},
            row, tuple(cases), study, studies,
        )  # fmt: skip


def setting_name(setting: Setting) -> str:
    """Name under which the group of a setting is kept."""
    if setting == _NEW:
        return "new"
    return setting.name if setting == Setting(setting.name) else repr(setting)


def on_logit(case: ArmCase) -> bool:
    """Whether a case is a share, compared on the logit scale."""
    return case.endpoint.kind in SHARES
