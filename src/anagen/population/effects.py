"""Published effects of covariates on the response to treatment, as priors of log odds ratios."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from anagen.errors import EvidenceError
from anagen.evidence.references import reference_keys
from anagen.evidence.rows import Provenance, check_fields, number, parse_provenance, read_table

_EFFECT = frozenset({"name", "mean", "sd", "unit", "conflict"})
_PROVENANCE = frozenset({"origin", "source", "locator"})
_OPTIONAL = frozenset({"sceptical_sd", "contrast", "note"})
_CONTRAST = frozenset({"source", "log_odds_ratio", "standard_error", "locator"})


@dataclass(frozen=True)
class Contrast:
    """What one study says about one covariate.

    Parameters
    ----------
    source : key in ``references.bib``.
    log_odds_ratio : [1] of response, covariate present against absent.
    standard_error : [1] of the log odds ratio.
    locator : where in the source, or the arithmetic that derives it.
    """

    source: str
    log_odds_ratio: float
    standard_error: float
    locator: str


@dataclass(frozen=True)
class Effect:
    """Prior of the effect of one covariate on the response to treatment.

    The log odds ratio of response, covariate present against absent, is normal with ``mean`` and
    standard deviation ``sd``; negative is worse.

    Parameters
    ----------
    covariate : key, for example ``duration_over_6_months``.
    name : what is compared, in words.
    mean, sd : [1] mean and standard deviation of the log odds ratio.
    unit : ``1``.
    provenance : origin, main source, arithmetic and note.
    contrasts : what each study says; empty where none is known.
    sceptical_sd : [1] standard deviation of the sceptical prior that the pooled contrast was
        shrunk by; None where it was not.
    conflict : where studies disagree, or what else makes the effect uncertain.
    """

    covariate: str
    name: str
    mean: float
    sd: float
    unit: str
    provenance: Provenance
    contrasts: tuple[Contrast, ...]
    sceptical_sd: float | None
    conflict: str

    @property
    def sources(self) -> tuple[str, ...]:
        """Keys of every study the prior rests on, the main one first."""
        studies = (contrast.source for contrast in self.contrasts)
        return tuple(dict.fromkeys((self.provenance.source, *studies)))


@lru_cache(maxsize=1)
def load_effects() -> tuple[Effect, ...]:
    """Load the effects of covariates that the package carries.

    Raises
    ------
    EvidenceError
        When a row lacks its unit, origin or source, or a number is not usable; all broken rows
        are named.

    Examples
    --------
    >>> {effect.covariate: effect.mean for effect in load_effects()}["duration_over_6_months"]
    -0.73
    """
    return parse_effects(read_table("population/effects.toml"))


def parse_effects(table: Mapping[str, Any]) -> tuple[Effect, ...]:
    """Read effects from a table of TOML; see `load_effects`."""
    rows = table.get("effect")
    if not isinstance(rows, Mapping) or not rows:
        raise EvidenceError("effects.toml: expected tables [effect.<covariate>]")
    effects, problems = [], []
    for covariate, row in rows.items():
        try:
            effects.append(_parse_effect(covariate, row))
        except EvidenceError as error:
            problems.append(str(error))
    if problems:
        raise EvidenceError("\n".join(problems))
    return tuple(effects)


def pooled(effect: Effect) -> tuple[float, float]:
    """Pool the contrasts of an effect by random effects; the arithmetic behind its prior.

    With weights w = 1 / (se^2 + tau^2), tau^2 by the method of moments of DerSimonian and Laird,
    the mean is sum(w x) / sum(w) and its standard error 1 / sqrt(sum(w)); a sceptical normal prior
    around zero of standard deviation s, where stated, adds 1 / s^2 to the sum of weights.

    Returns
    -------
    tuple of float
        Mean and standard error [1]. ``sd`` is this standard error or wider, by what the
        locator says.

    Raises
    ------
    EvidenceError
        When the effect has no contrast.

    Examples
    --------
    >>> mean, error = pooled(load_effects()[0])
    >>> round(mean, 2), round(error, 2)
    (-0.73, 0.26)
    """
    if not effect.contrasts:
        raise EvidenceError(f"effect {effect.covariate} has no contrast to pool")
    values = [contrast.log_odds_ratio for contrast in effect.contrasts]
    weights = [contrast.standard_error**-2 for contrast in effect.contrasts]
    total = sum(weights)
    centre = sum(w * x for w, x in zip(weights, values, strict=True)) / total
    excess = sum(w * (x - centre) ** 2 for w, x in zip(weights, values, strict=True))
    excess -= len(values) - 1
    scale = total - sum(w * w for w in weights) / total
    between = max(0.0, excess / scale) if len(values) > 1 else 0.0
    weights = [1.0 / (1.0 / w + between) for w in weights]
    total = sum(weights)
    centre = sum(w * x for w, x in zip(weights, values, strict=True)) / total
    sceptical = 0.0 if effect.sceptical_sd is None else effect.sceptical_sd**-2
    return centre * total / (total + sceptical), (total + sceptical) ** -0.5


def _parse_effect(covariate: str, row: object) -> Effect:
    place = f"effect {covariate}"
    fields = check_fields(place, row, _EFFECT | _PROVENANCE, _OPTIONAL)
    provenance = parse_provenance(place, fields)
    mean = number(place, "mean", fields["mean"])
    sd = number(place, "sd", fields["sd"])
    sceptical = fields.get("sceptical_sd")
    if sceptical is not None:
        sceptical = number(place, "sceptical_sd", sceptical)
    contrasts = fields.get("contrast", [])
    if not isinstance(contrasts, list):
        raise EvidenceError(f"{place}: contrast should be a list of tables")
    effect = Effect(
        covariate=covariate,
        name=fields["name"],
        mean=mean,
        sd=sd,
        unit=fields["unit"],
        provenance=provenance,
        contrasts=tuple(_parse_contrast(f"{place} contrast", item) for item in contrasts),
        sceptical_sd=sceptical,
        conflict=fields["conflict"],
    )
    problems = list(_problems(effect))
    if problems:
        raise EvidenceError(f"{place}: {'; '.join(problems)}")
    return effect


def _parse_contrast(place: str, row: object) -> Contrast:
    fields = check_fields(place, row, _CONTRAST)
    if fields["source"] not in reference_keys():
        raise EvidenceError(f"{place}: source {fields['source']!r} not in references.bib")
    error = number(place, "standard_error", fields["standard_error"])
    if error <= 0.0:
        raise EvidenceError(f"{place}: standard_error {error} should be positive")
    value = number(place, "log_odds_ratio", fields["log_odds_ratio"])
    return Contrast(fields["source"], value, error, fields["locator"])


def _problems(effect: Effect) -> Iterator[str]:
    if effect.unit != "1":
        yield f"unit {effect.unit!r} should be '1'"
    if effect.sd <= 0.0:
        yield f"sd {effect.sd} should be positive"
    if effect.sceptical_sd is not None and effect.sceptical_sd <= 0.0:
        yield f"sceptical_sd {effect.sceptical_sd} should be positive"
    if effect.provenance.origin == "derived" and not effect.contrasts:
        yield "derived, but from no contrast"
