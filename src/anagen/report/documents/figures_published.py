"""Published figures that the documents print, each with its source."""

import re
from dataclasses import dataclass

from anagen.report.documents.wording import NARROW, Cited, Wording

_HUNDRED = 100.0


@dataclass(frozen=True)
class Figure:
    """A published figure.

    Parameters
    ----------
    value : in the unit of its statement; low, high : its interval, None where none was printed.
    sources : keys in ``references.bib``.
    """

    value: float
    low: float | None
    high: float | None
    sources: tuple[str, ...]


def published(key: str) -> Figure:
    """Figure of a statement of ``claims.toml``.

    Examples
    --------
    >>> published("relapse_6_months").value
    25.0
    """
    from anagen.evidence.claims import load_claims

    claim = next(claim for claim in load_claims() if claim.key == key)
    given = claim.published
    if given.value is not None:
        return Figure(given.value, given.low, given.high, claim.sources)
    counts = re.match(r"(\d+) of (\d+)", given.text)
    if counts:
        part, whole = (float(number) for number in counts.groups())
        return Figure(_HUNDRED * part / whole, None, None, claim.sources)
    printed = re.match(r"([\d.]+)", given.text)
    if printed is None:
        message = f"claim {key} has no published figure"
        raise LookupError(message)
    return Figure(float(printed.group(1)), None, None, claim.sources)


def of_hundred(figure: Figure, wording: Wording, cited: Cited) -> str:
    """Say a figure in percent as people of one hundred, with its interval and its source."""
    text = wording.say("format.of_hundred", count=wording.number(figure.value, 0))
    if figure.low is not None and figure.high is not None:
        ends = {"low": wording.number(figure.low, 0), "high": wording.number(figure.high, 0)}
        text += f" ({wording.say('format.range', **ends)})"
    return text.replace(" ", " ") + cited(*figure.sources)


def plain_figure(figure: Figure, wording: Wording, cited: Cited, unit: str = "") -> str:
    """Say a figure with its source."""
    text = wording.number(figure.value, 0)
    return (f"{text}{NARROW}{unit}" if unit else text) + cited(*figure.sources)


ATROPHY_BY_STRENGTH = {2.5: "atrophy_2_5", 5.0: "atrophy_5", 10.0: "atrophy_10"}
"""Statement on visible atrophy, by strength [mg/mL]."""


def atrophy_at(strength: float | None) -> list[tuple[float, Figure]]:
    """Give published atrophy at the studied strength next above, or at all without a strength."""
    known = sorted(ATROPHY_BY_STRENGTH)
    if strength is None or strength > known[-1]:
        return [(at, published(ATROPHY_BY_STRENGTH[at])) for at in known]
    at = next(one for one in known if one >= strength)
    return [(at, published(ATROPHY_BY_STRENGTH[at]))]
