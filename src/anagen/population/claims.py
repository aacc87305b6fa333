"""The table of claims: every statement about the treatment held against the model's own figures."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from zlib import crc32

import numpy as np

from anagen.errors import EvidenceError
from anagen.evidence.claims import Claim, Published, load_claims
from anagen.evidence.published import load_arms
from anagen.population.bank import Row
from anagen.population.claim_harms import HARM_SIMULATIONS
from anagen.population.claim_inside import INSIDE_SIMULATIONS
from anagen.population.claim_people import PEOPLE_SIMULATIONS, names
from anagen.population.claim_world import USUAL, Figure, Simulation, World, fill
from anagen.population.cohort import NATURAL, Regimen
from anagen.population.conditions import ArmCase, Condition, case_of
from anagen.population.fit_data import case_rows
from anagen.population.person import Outcome
from anagen.population.posterior import Posterior, load_posterior
from anagen.population.weighed import survey

__all__ = ["SIMULATIONS", "VERDICTS", "ClaimResult", "check_claims", "figure_words",
           "load_claims", "table"]  # fmt: skip

Report = Callable[[str], None]
Verdict = Literal["shown", "not shown", "contradicted"]

VERDICTS: tuple[Verdict, ...] = ("shown", "not shown", "contradicted")
SIMULATIONS: Mapping[str, Simulation] = {
    **PEOPLE_SIMULATIONS,
    **INSIDE_SIMULATIONS,
    **HARM_SIMULATIONS,
}

CLAIM_PEOPLE = 1024
CLAIM_DRAWS = 100

_TAILS = (2.5, 97.5)
_REPEATS = 20  # studies simulated for each draw
_WIDTH_95 = 3.92  # of a normal interval, in standard errors
_EDGE = 1e-4
_ROUNDED = 1e-9
_WIDEST = 60.0  # percentage points
_WIDE = "so wide an interval hardly tests it"


@dataclass(frozen=True)
class ClaimResult:
    """A statement with the model's figure and the verdict.

    Parameters
    ----------
    claim : the statement and its criterion.
    value : median of the model's figure, in the claim's unit.
    low, high : 95 % interval, of the population's figure.
    study_low, study_high : 95 % interval of what a study of the published size would find; that of
        the population where nothing is held against a study.
    probability : that the figure is on the right side of the criterion's limit; None without one.
    published : figure of the literature.
    verdict : shown, not shown or contradicted.
    simulation : what was done, in words.
    note : what a reader must know.
    """

    claim: Claim
    value: float
    low: float
    high: float
    study_low: float
    study_high: float
    probability: float | None
    published: Published
    verdict: Verdict
    simulation: str
    note: str


def check_claims(
    posterior: Posterior | None = None,
    *,
    people: int = CLAIM_PEOPLE,
    draws: int = CLAIM_DRAWS,
    seed: int = 0,
    report: Report | None = None,
    claims: Sequence[Claim] | None = None,
) -> tuple[ClaimResult, ...]:
    """Simulate what tests each statement and compare; all claims share people and courses.

    Parameters
    ----------
    posterior : the package's own when None.
    people : of each setting; draws : of the posterior; seed : of people and studies.
    report : told what is being simulated.
    claims : those of the package when None.

    Returns
    -------
    tuple of ClaimResult
        In the order of the claims.

    Raises
    ------
    EvidenceError
        When a claim names a simulation, an arm or a target that does not exist.
    """
    chosen = load_claims() if claims is None else tuple(claims)
    posterior = posterior or load_posterior()
    _check(chosen)
    cases = _cases(chosen)
    rows = {row.key: row for row in [*case_rows(cases), *_rows(chosen)]}
    if all(row.setting != USUAL for row in rows.values()):
        rows[_ANYWAY.key] = _ANYWAY
    found = survey(
        list(rows.values()),
        posterior,
        people=people,
        draws=draws,
        seed=seed,
        report=report,
        cases=cases,
    )
    world = World(found, cases, posterior, seed, report)
    return tuple(_result(claim, world) for claim in chosen)


def _check(claims: Iterable[Claim]) -> None:
    problems = [
        f"claim {claim.key}: no simulation {claim.simulation!r}"
        for claim in claims
        if claim.simulation not in SIMULATIONS
    ]
    if problems:
        raise EvidenceError("\n".join(problems))


def _cases(claims: Iterable[Claim]) -> list[ArmCase]:
    """List the published arms that claims read, each once."""
    found: dict[int, ArmCase] = {}
    for claim in claims:
        if not SIMULATIONS[claim.simulation].cases:
            continue
        wanted = [{**claim.arguments, "arm": claim.arguments[key]}
                  for key in ("arm", "other_arm") if key in claim.arguments]  # fmt: skip
        wanted = wanted or [dict(claim.arguments)]
        for number, arm in enumerate(load_arms()):
            if number in found or not any(names(arm, one) for one in wanted):
                continue
            case = case_of(arm)
            if not isinstance(case, ArmCase):
                raise EvidenceError(f"claim {claim.key}: {case.reason}")
            found[number] = case
    return list(found.values())


def _rows(claims: Iterable[Claim]) -> list[Row]:
    return [row for claim in claims for row in SIMULATIONS[claim.simulation].rows(claim.arguments)]


def _cover(outcome: Outcome, regimen: Regimen, week: int) -> np.ndarray:
    return np.asarray(outcome.cover[:, week])


# Without a row of theirs, the usual people would not be drawn.
_ANYWAY = Row("cover", USUAL, (Condition(NATURAL, 1, 1.0),), _cover)


def _result(claim: Claim, world: World) -> ClaimResult:
    simulation = SIMULATIONS[claim.simulation]
    figure = simulation.read(world, claim.arguments)
    draws = np.asarray(figure.draws, float)
    draws = draws[np.isfinite(draws)]
    if not len(draws):
        raise EvidenceError(f"claim {claim.key}: its simulation has no figure")
    published = _published(claim, figure)
    low, high = (float(end) for end in np.percentile(draws, _TAILS))
    if figure.study is None:
        study = np.percentile(_study(draws, published, claim, world), _TAILS)
    else:
        study = figure.study
    study_low, study_high = float(study[0]), float(study[-1])
    chance = _chance(claim, draws)
    span = (study_low, study_high)
    value = float(np.median(draws))
    verdict = judge(claim, value, span, chance, published)
    wide = _WIDE if claim.unit == "%" and study_high - study_low > _WIDEST else ""
    if claim.criterion.kind != "published_inside":
        wide = ""
    note = "; ".join(part for part in (figure.note, claim.note, wide) if part)
    return ClaimResult(claim, value, low, high, study_low, study_high, chance, published,
                       verdict, fill(simulation.words, claim.arguments), note)  # fmt: skip


def _published(claim: Claim, figure: Figure) -> Published:
    """Figure that the simulation found published, under the claim's own words if it has any."""
    if figure.published is None:
        return claim.published
    return figure.published


def _study(draws: np.ndarray, published: Published, claim: Claim, world: World) -> np.ndarray:
    """Draw what a study like the published one would find."""
    if claim.criterion.kind != "published_inside":
        return draws
    random = np.random.default_rng([world.seed, crc32(claim.key.encode())])
    many = np.repeat(draws, _REPEATS)
    if published.people is not None:
        blur = published.unclear * np.median(world.draws("definition_sd"))
        spread = np.hypot(np.median(world.draws("tau")), blur)
        share = _expit(_logit(many / 100.0) + spread * random.normal(size=len(many)))
        return np.asarray(100.0 * random.binomial(published.people, share) / published.people)
    if published.low is None or published.high is None:
        return draws
    if claim.unit == "%":
        low, high = (_logit(np.array(end / 100.0)) for end in (published.low, published.high))
        error = float(high - low) / _WIDTH_95
        share = _expit(_logit(many / 100.0) + error * random.normal(size=len(many)))
        return 100.0 * share
    if published.low > 0.0 and claim.unit == "1":  # a ratio
        error = float(np.log(published.high / published.low)) / _WIDTH_95
        return np.asarray(many * np.exp(error * random.normal(size=len(many))))
    error = (published.high - published.low) / _WIDTH_95
    return np.asarray(many + error * random.normal(size=len(many)))


def _chance(claim: Claim, draws: np.ndarray) -> float | None:
    criterion = claim.criterion
    if criterion.limit is None:
        return None
    right = draws > criterion.limit if criterion.kind == "above" else draws < criterion.limit
    return float(right.mean())


def judge(
    claim: Claim,
    value: float,
    span: tuple[float, float],
    chance: float | None,
    published: Published,
) -> Verdict:
    """Judge a statement by the criterion that was set beforehand.

    Parameters
    ----------
    claim : with its criterion.
    value : model's figure; span : 95 % interval of it, or of a study of the published size.
    chance : that the figure is on the right side of the limit.
    published : figure of the literature.

    Returns
    -------
    str
        Against a limit: shown from the criterion's probability on, contradicted below one minus it.
        Against a figure: shown when one lies inside the other's interval as the criterion says,
        contradicted when the two intervals do not even touch; without a published interval, when
        the figure lies outside.
    """
    criterion = claim.criterion
    if chance is not None:
        shown = chance >= criterion.probability - _ROUNDED
        against = chance <= 1.0 - criterion.probability + _ROUNDED
    else:
        low, high = span
        ends = [end for end in (published.low, published.value, published.high) if end is not None]
        if criterion.kind == "inside_published":
            shown = ends[0] <= value <= ends[-1]
        else:
            shown = published.value is not None and low <= published.value <= high
        against = high < ends[0] or low > ends[-1]
    return "shown" if shown else "contradicted" if against else "not shown"


def table(results: Iterable[ClaimResult]) -> list[dict[str, Any]]:
    """Rows of plain data: statement, figure with interval, published figure, verdict, source."""
    return [
        {
            "key": result.claim.key,
            "group": result.claim.group,
            "statement": result.claim.statement,
            "popular": result.claim.popular,
            "simulation": result.simulation,
            "measure": result.claim.measure,
            "unit": result.claim.unit,
            "value": _round(result.value),
            "low_95": _round(result.low),
            "high_95": _round(result.high),
            "study_low_95": _round(result.study_low),
            "study_high_95": _round(result.study_high),
            "published": result.published.text,
            "published_value": result.published.value,
            "published_low": result.published.low,
            "published_high": result.published.high,
            "criterion": criterion_words(result.claim),
            "probability": result.probability,
            "verdict": result.verdict,
            "sources": list(result.claim.sources),
            "locator": result.claim.locator,
            "conflict": result.claim.conflict,
            "note": result.note,
        }
        for result in results
    ]


def criterion_words(claim: Claim) -> str:
    """Criterion of a claim in words.

    Examples
    --------
    >>> claim = next(one for one in load_claims() if one.key == "stronger_is_better")
    >>> criterion_words(claim).startswith("above 10")
    True
    """
    criterion = claim.criterion
    if criterion.kind == "published_inside":
        return "the published figure lies in the model's 95 % interval for such a study"
    if criterion.kind == "inside_published":
        return "the model's figure lies in the published range"
    unit = {"%": " %", "1": ""}.get(claim.unit, f" {claim.unit}")
    return (f"{criterion.kind} {criterion.limit:g}{unit} with a probability of "
            f"{criterion.probability:.0%}: {criterion.why}")  # fmt: skip


def figure_words(result: ClaimResult) -> str:
    """Model's figure with the 95 % interval that the verdict uses, in words."""
    unit = {"1": "", "%": " %", "point": ""}.get(result.claim.unit, f" {result.claim.unit}s")
    low, high = number_words(result.study_low), number_words(result.study_high)
    return f"{number_words(result.value)}{unit} ({low} to {high})"


def number_words(value: float) -> str:
    """Write a number with three figures, without exponents.

    Examples
    --------
    >>> number_words(12345.0), number_words(0.12345)
    ('12,300', '0.123')
    """
    short = float(f"{value:.3g}")
    return f"{short:,.0f}" if abs(short) >= 1000.0 else f"{short:.3g}"


def _round(value: float) -> float:
    return float(f"{value:.4g}")


def _logit(share: np.ndarray) -> np.ndarray:
    inside = np.clip(share, _EDGE, 1.0 - _EDGE)
    return np.asarray(np.log(inside / (1.0 - inside)))


def _expit(value: np.ndarray) -> np.ndarray:
    return np.asarray(1.0 / (1.0 + np.exp(-value)))
