"""Figures of the page of claims as data: ``python -m anagen.report.claims_data`` after the page."""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

from anagen._files import write_whole
from anagen.errors import EvidenceError
from anagen.evidence.claim_results import COLUMNS, FILE
from anagen.evidence.claims import Claim, load_claims

_NUMBER = r"-?\d[\d,]*(?:\.\d+)?"
_MODEL = re.compile(rf"({_NUMBER})[^(]*\(({_NUMBER}) to ({_NUMBER})\)")
_INTERVAL = re.compile(rf"({_NUMBER})[^(\d]*\(({_NUMBER}) to ({_NUMBER})\)")
_COUNTS = re.compile(r"(\d+) of (\d+)\b")
_FIRST = re.compile(rf"({_NUMBER})(?: %(?: of (?:about )?\d+)?| \(SD [\d.]+\))?")
_CELLS, _HOW_CELLS = 6, 5


def claim_rows(page: str) -> list[dict[str, str]]:
    """Read the figures of all statements from the page of claims.

    Parameters
    ----------
    page : text of ``docs/claims.md``.

    Raises
    ------
    EvidenceError
        When a statement is not on the page, or a figure cannot be read.
    """
    version = re.search(r"calibrated population ([\d.]+\d)", page)
    rows = [_cells(line) for line in page.splitlines() if line.startswith("| ")]
    figures = {cells[0]: cells for cells in rows if len(cells) == _CELLS}
    how = {cells[0]: cells[1] for cells in rows if len(cells) == _HOW_CELLS}
    if version is None:
        raise EvidenceError("claims.md does not name the population")
    found = []
    for claim in load_claims():
        cells = figures.get(claim.statement)
        model = _MODEL.match(cells[1]) if cells else None
        if cells is None or model is None:
            raise EvidenceError(f"claims.md has no figure for {claim.key}")
        numbers = dict(zip(("value", "low", "high"), map(_plain, model.groups()), strict=True))
        found.append({
            "key": claim.key, "population": version[1], **numbers, "published": cells[2],
            **_published(claim, cells[2]), "verdict": cells[3].strip("*"), "note": cells[4],
            "simulation": how.get(claim.statement, ""),
        })  # fmt: skip
    return found


def claims_csv(page: str) -> str:
    """Table of the figures as text, the same page giving the same text."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(claim_rows(page))
    return out.getvalue()


def _published(claim: Claim, words: str) -> dict[str, str]:
    """Give the published figure in the claim's unit, where the claim or the words give a number."""
    names = ("published_value", "published_low", "published_high")
    own = claim.published
    if own.value is not None or claim.criterion.kind != "published_inside":
        values = (own.value, own.low, own.high)
        return {name: "" if value is None else f"{value:g}"
                for name, value in zip(names, values, strict=True)}  # fmt: skip
    interval, counts = _INTERVAL.match(words), _COUNTS.match(words)
    if interval:
        return dict(zip(names, map(_plain, interval.groups()), strict=True))
    if counts and claim.unit == "%":
        share = 100.0 * int(counts[1]) / int(counts[2])
        return dict(zip(names, (f"{share:.4g}", "", ""), strict=True))
    first = _FIRST.fullmatch(words.strip())
    return dict(zip(names, (_plain(first[1]) if first else "", "", ""), strict=True))


def _cells(line: str) -> list[str]:
    inside = line.strip().removeprefix("|").removesuffix("|")
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", inside)]


def _plain(number: str) -> str:
    return number.replace(",", "")


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the table from the page, from the command line."""
    from argparse import ArgumentParser

    parser = ArgumentParser(description="Copy the figures of the page of claims into the data.")
    parser.add_argument("--page", type=Path, default=Path("docs/claims.md"))
    parser.add_argument("--folder", type=Path, default=Path("src/anagen/evidence/data"))
    asked = parser.parse_args(arguments)
    write_whole(asked.folder / FILE, claims_csv(asked.page.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
