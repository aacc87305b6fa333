"""The page of claims: every statement, both figures and the verdict, and the forest plot."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from anagen._files import write_whole
from anagen.report.forest import forest_plot
from anagen.report.sources import references
from anagen.report.style import png

if TYPE_CHECKING:
    from anagen.population.benefit import Benefit
    from anagen.population.claims import ClaimResult
    from anagen.population.predict import Prediction

_PAGE, _PICTURE = "claims.md", "images/claims.png"
_LEVELS = (50, 95)

_HEAD = """# What the model shows, and what it does not

Made by `python -m anagen.report.claims_page`; on screen: `anagen evidence claims`. Every statement
about the treatment has one simulation that tests it and one criterion, both in
`src/anagen/evidence/data/claims.toml` and written before the simulations were run. Nothing here is
typed in: figures are medians over the posterior draws of the calibrated population {version}, of
{people} virtual people of each kind.

- **shown**: the criterion is met. Against a published figure: it lies in the model's 95 % interval
  for a study of that size, with the doubt about the population, what studies differ by, and chance.
  Against a limit: the model's figure is on the right side with a probability of at least 95 %.
- **contradicted**: the intervals do not touch, or that probability is below 5 %.
- **not shown**: neither. For popular claims that are false, *contradicted* is the right answer.

A published figure to which the model was calibrated is no independent test, and an interval of over
60 percentage points hardly is one; the notes say so.
"""


def write_claims_page(
    results: Sequence["ClaimResult"],
    predictions: Sequence["Prediction"],
    folder: Path,
    *,
    benefit: "Benefit | None" = None,
    version: str = "",
    people: int | None = None,
) -> tuple[Path, Path]:
    """Write the page and its picture into a folder.

    Parameters
    ----------
    results : of `anagen.population.claims.check_claims`.
    predictions : of all comparable arms, of `anagen.population.predict.predict_cases`.
    folder : of the documentation; ``images`` is made in it.
    benefit : the same people without and with treatment; left out when None.
    version : of the calibrated population; people : how many were followed.

    Returns
    -------
    tuple of Path
        The page and the picture.
    """
    page, picture = folder / _PAGE, folder / _PICTURE
    picture.parent.mkdir(parents=True, exist_ok=True)
    parts = [_HEAD.format(version=version, people="many" if people is None else f"{people:,}"),
             _summary(results), *_groups(results), _benefit(benefit),
             _forest(predictions), _tests(results), _sources(results)]  # fmt: skip
    if predictions:
        write_whole(picture, png(forest_plot(predictions), dpi=150))
    write_whole(page, "\n".join(part for part in parts if part))
    return page, picture


def _summary(results: Sequence["ClaimResult"]) -> str:
    from anagen.population.claims import VERDICTS, figure_words

    counts = {verdict: sum(one.verdict == verdict for one in results)
              for verdict in VERDICTS}  # fmt: skip
    words = ", ".join(f"{number} {verdict}" for verdict, number in counts.items())
    lines = [f"**{len(results)} statements: {words}.**", ""]
    failed = [one for one in results if one.verdict != "shown"]
    for one in failed:
        lines.append(f"- {one.verdict}: {one.claim.statement} (model {figure_words(one)})")
    return "\n".join([*lines, ""])


def _groups(results: Sequence["ClaimResult"]) -> Iterable[str]:
    from anagen.population.claims import figure_words

    groups: dict[str, list[ClaimResult]] = {}
    for result in results:
        groups.setdefault(result.claim.group, []).append(result)
    for name, members in groups.items():
        rows = [
            (one.claim.statement, figure_words(one), one.published.text, f"**{one.verdict}**",
             one.note, ", ".join(one.claim.sources))
            for one in members
        ]  # fmt: skip
        heading = ("statement", "model (95 %)", "published", "verdict", "note", "source")
        yield f"## {name}\n\n{_table(heading, rows)}\n"


def _benefit(benefit: "Benefit | None") -> str:
    if benefit is None:
        return ""
    regimen = benefit.regimen
    rows = []
    for threshold in benefit.thresholds:
        for week in benefit.weeks:
            found = [benefit.estimate(name, threshold, week)
                     for name in ("untreated", "treated", "difference")]  # fmt: skip
            cells = [f"{100 * one.value:.0f} ({100 * one.low:.0f} to {100 * one.high:.0f})"
                     for one in found]  # fmt: skip
            rows.append((f"{threshold:.0%}", str(week), *cells))
    heading = ("regrown at least", "week", "without", "with", "more with")
    words = (
        f"The same people, without and with {regimen.sessions} sessions of {regimen.strength:g} "
        f"mg/mL every {regimen.interval:g} weeks. Of 100 people of the setting "
        f"'{benefit.setting.name}', so many have regrown without treatment, so many with it; the "
        "difference is the drug's own (95 % intervals: doubt about the population)."
    )
    return f"## Natural recovery and what the drug adds\n\n{words}\n\n{_table(heading, rows)}\n"


def _forest(predictions: Sequence["Prediction"]) -> str:
    if not predictions:
        return ""
    inside = {level: sum(one.inside(level) for one in predictions) for level in _LEVELS}
    many = len(predictions)
    words = (
        f"{many} comparable rows of published arms. {inside[95]} lie in the 95 % predictive "
        f"interval ({inside[95] / many:.0%}), {inside[50]} in the 50 % one "
        f"({inside[50] / many:.0%}). The "
        "interval is that of a study of the same size: doubt about the population, differences "
        "between studies, unclear definitions, and chance. All rows: `anagen evidence compare`."
    )
    return f"## Published arms against the model\n\n{words}\n\n![Forest plot]({_PICTURE})\n"


def _tests(results: Sequence["ClaimResult"]) -> str:
    from anagen.population.claims import criterion_words

    rows = [
        (one.claim.statement, one.simulation, criterion_words(one.claim), one.claim.locator,
         one.claim.conflict)
        for one in results
    ]  # fmt: skip
    heading = ("statement", "simulation", "shown when", "source says", "conflict")
    return f"## How each was tested\n\n{_table(heading, rows)}\n"


def _sources(results: Sequence["ClaimResult"]) -> str:
    keys = [key for one in results for key in one.claim.sources]
    lines = [
        f"- {one.key}: {one}" + (f" <{one.url}>" if one.url else "") for one in references(keys)
    ]
    return "\n".join(["## Sources", "", *lines, ""])


def _table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(heading) + " |", "|" + "---|" * len(heading)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(words: str) -> str:
    return words.replace("|", "\\|").replace("\n", " ")


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate everything and write the page, from the command line."""
    from argparse import ArgumentParser

    from anagen.evidence.published import load_arms
    from anagen.population.benefit import drug_benefit
    from anagen.population.claims import CLAIM_DRAWS, CLAIM_PEOPLE, check_claims
    from anagen.population.conditions import cases_of
    from anagen.population.posterior import load_posterior
    from anagen.population.predict import predict_cases

    parser = ArgumentParser(description="Write the page of claims with its forest plot.")
    parser.add_argument("--folder", type=Path, default=Path("docs"))
    parser.add_argument("--people", type=int, default=CLAIM_PEOPLE)
    parser.add_argument("--draws", type=int, default=CLAIM_DRAWS)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    size = {"people": asked.people, "draws": asked.draws, "seed": asked.seed}
    cases, _ = cases_of(load_arms())
    paths = write_claims_page(
        check_claims(**size, report=print),
        predict_cases(cases, **size, report=print),
        asked.folder,
        benefit=drug_benefit(**size, report=print),
        version=str(load_posterior().about.get("version", "")),
        people=asked.people,
    )
    print("\n".join(str(path) for path in paths))


if __name__ == "__main__":
    main()
