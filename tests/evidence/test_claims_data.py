"""The table of claims: every row says what tests it, when it is shown, and where it comes from."""

import copy
from typing import Any

import pytest

from anagen.errors import EvidenceError
from anagen.evidence.claims import load_claims, parse_claims
from anagen.evidence.rows import read_table

GOOD: dict[str, Any] = {
    "group": "Drug",
    "statement": "It acts",
    "simulation": "regrown",
    "measure": "share",
    "unit": "%",
    "published": {"text": "40 %", "value": 40.0, "low": 30.0, "high": 50.0},
    "criterion": {"kind": "published_inside"},
    "sources": ["Su2022"],
    "locator": "table 1",
}


def broken(**changes: Any) -> str:
    row = {**copy.deepcopy(GOOD), **changes}
    with pytest.raises(EvidenceError) as error:
        parse_claims({"claim": {"one": row}})
    return str(error.value)


def test_a_good_row_is_read() -> None:
    (claim,) = parse_claims({"claim": {"one": GOOD}})
    assert (claim.key, claim.published.high, claim.criterion.probability) == ("one", 50.0, 0.95)
    assert claim.arguments == {}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sources": ["Nobody1999"]}, "Nobody1999"),
        ({"sources": []}, "no source"),
        ({"statement": ""}, "statement"),
        ({"colour": "red"}, "colour"),
        ({"criterion": {"kind": "better"}}, "better"),
        ({"criterion": {"kind": "above"}}, "needs a limit"),
        ({"criterion": {"kind": "above", "limit": 1.0}}, "reason"),
        ({"criterion": {"kind": "published_inside", "limit": 1.0}}, "has none"),
        ({"criterion": {"kind": "above", "limit": 1.0, "why": "x", "probability": 0.4}}, "0.5..1"),
        ({"criterion": {"kind": "above", "limit": float("nan"), "why": "x"}}, "finite"),
        ({"criterion": {"kind": "inside_published"}, "published": {"text": "40"}}, "low and high"),
        ({"published": {"text": "40 %"}}, "needs its value"),
        ({"published": {"text": "40 %", "value": 40.0, "low": 50.0, "high": 30.0}}, "order"),
        ({"published": {"text": "40 %", "value": 40.0, "unclear": 2.0}}, "unclear"),
        ({"published": {"text": "40 %", "value": "forty"}}, "finite number"),
    ],
)
def test_a_broken_row_is_refused(changes: dict[str, Any], words: str) -> None:
    assert words in broken(**changes)


def test_all_broken_rows_are_named() -> None:
    rows = {"one": {**GOOD, "unit": ""}, "two": GOOD, "three": {**GOOD, "locator": ""}}
    with pytest.raises(EvidenceError) as error:
        parse_claims({"claim": rows})
    assert "claim one" in str(error.value)
    assert "claim three" in str(error.value)
    assert "claim two" not in str(error.value)


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(EvidenceError, match="expected tables"):
        parse_claims({})


def test_the_table_covers_what_the_treatment_is_said_to_do() -> None:
    groups = {claim.group for claim in load_claims()}
    assert groups == {"Drug", "Attack", "Hair", "Response", "Natural course", "Lasting", "Skin",
                      "Pain", "Body", "People", "Popular claims"}  # fmt: skip
    popular = [claim for claim in load_claims() if claim.popular]
    assert len(popular) >= 4
    assert len(load_claims()) == len(read_table("claims.toml")["claim"])


def test_statements_are_said_once_and_end_without_a_stop() -> None:
    statements = [claim.statement for claim in load_claims()]
    assert not [words for words in statements if words.endswith(".")]
    tested = [(claim.statement, claim.simulation, tuple(claim.arguments.items()))
              for claim in load_claims()]  # fmt: skip
    assert len(set(tested)) == len(tested)
