"""What came of the statements about the treatment when they were last simulated, as data.

The figures are those of ``docs/claims.md``; ``python -m anagen.report.claims_data`` copies them
from there, so that they can be shown without simulating anything.
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from anagen.errors import EvidenceError
from anagen.evidence.claims import load_claims

FILE = "claim_results.csv"
COLUMNS = ("key", "population", "value", "low", "high", "published", "published_value",
           "published_low", "published_high", "verdict", "note", "simulation")  # fmt: skip
VERDICTS = ("shown", "not shown", "contradicted")
_NUMBERS = ("value", "low", "high", "published_value", "published_low", "published_high")


@dataclass(frozen=True)
class ClaimFound:
    """The model's figure on one statement beside the published one.

    Parameters
    ----------
    key : of the claim; population : version of the calibrated population.
    value, low, high : median and 95 % interval of the model, in the claim's unit.
    published : in words; published_value, published_low, published_high : in the claim's unit, None
        where there is no number.
    verdict : shown, not shown or contradicted.
    note : what a reader must know; simulation : what was done, in words.
    """

    key: str
    population: str
    value: float
    low: float
    high: float
    published: str
    published_value: float | None
    published_low: float | None
    published_high: float | None
    verdict: str
    note: str
    simulation: str


@lru_cache(maxsize=1)
def load_claim_results() -> Mapping[str, ClaimFound]:
    """Load what came of every statement, by key of the claim.

    Raises
    ------
    EvidenceError
        When a row is not of a claim, or no number where one must be.

    Examples
    --------
    >>> load_claim_results()["atrophy_10"].verdict
    'shown'
    """
    file = resources.files("anagen.evidence") / "data" / FILE
    return parse_claim_results(file.read_text(encoding="utf-8"))


def parse_claim_results(text: str) -> Mapping[str, ClaimFound]:
    """Parse the text of the table; see `load_claim_results`."""
    known = {claim.key for claim in load_claims()}
    reader = csv.DictReader(io.StringIO(text))
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise EvidenceError(f"{FILE}: expected the columns {', '.join(COLUMNS)}")
    found = {}
    for row in reader:
        if row["key"] not in known or row["verdict"] not in VERDICTS:
            raise EvidenceError(f"{FILE}: {row['key']!r} is no claim, or has no verdict")
        try:
            numbers = {name: float(row[name]) if row[name] else None for name in _NUMBERS}
        except ValueError as error:
            raise EvidenceError(f"{FILE}: {row['key']}: {error}") from None
        if None in (numbers["value"], numbers["low"], numbers["high"]):
            raise EvidenceError(f"{FILE}: {row['key']} lacks the model's figure")
        found[row["key"]] = ClaimFound(**{**row, **numbers})  # type: ignore[arg-type]  # checked
    return found
