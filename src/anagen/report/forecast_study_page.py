"""The page that shows what a forecast is worth: how it is made, and how often it was right.

Reads the figures of `anagen.forecast.studies`; the verdicts follow from them (`study_aims`).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anagen._files import write_whole
from anagen.errors import InputError, Problem
from anagen.report.forecast_study_words import checked_words, how_made, limits, table
from anagen.report.study_aims import (
    Aim,
    aims_of,
    patients_of,
    rank_p,
    share_words,
    visit_words,
    visits_of,
)

if TYPE_CHECKING:
    import xarray as xr

    from anagen.population.posterior import Posterior

Variable = tuple[str, str, str]
_PAGE, _PICTURE = "forecast.md", "images/forecast.png"
_KEYS = {"seed", "calibration", "misfit", "stages"}

_HEAD = """# What a forecast is worth

Made by `make forecast-pages`; figures come from `python -m anagen.forecast.studies`, and no result
is typed in. `anagen forecast PATIENT` answers with intervals and chances. Here virtual patients,
whose truth is known, show whether the intervals hold as many truths as they claim."""

_CALIBRATION = """{patients} virtual patients (seed {seed}) have {sessions} monthly sessions and visits at weeks {weeks}. Each truth
is drawn from the patient's own prior, and read with the errors listed below. Cover of every patch at
week {last} is then forecast from the first look and a number of visits.

- *Inside*: truths in the {level} interval, in brackets what chance leaves (95 %, patients as units).
- *CRPS* scores the whole forecast, 0 is best; for a single number it is the absolute error, so that
  the last four columns can be compared. *Population mean*: the mean truth of these very patients,
  which flatters it. *Last reading*: the regrowth last read, carried forward.
- *Effective*: median number of effective people. *Flagged*: well-described patients that the check
  called improbable."""  # noqa: E501

_RANKS = """*P values of the ranks*: where the truth falls among 63 people drawn from the forecast, in 8 bins. If
the forecast is honest every place is as likely, and the p value is uniform too; the picture shows
the bins. Cover counts one patch a patient. An interval that is right on average can hide ranks that
are not, which is why both are here."""  # noqa: E501


def read_study(path: Path) -> Mapping[str, Any]:
    """Read the figures that `anagen.forecast.studies` wrote.

    Raises
    ------
    InputError
        When the file is missing or holds something else.
    """
    remedy = f"Make it: python -m anagen.forecast.studies -o {path}"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError([Problem(str(path), "figures of the study", str(error), remedy)]) from None
    missing = _KEYS - set(found) if isinstance(found, dict) else _KEYS
    if missing:
        problem = Problem(str(path), ", ".join(sorted(_KEYS)),
                          f"no {', '.join(sorted(missing))}", remedy)  # fmt: skip
        raise InputError([problem])
    return dict(found)


def write_forecast_study_page(
    study: Mapping[str, Any],
    variables: Sequence[Variable],
    posterior: "Posterior",
    folder: Path,
) -> tuple[Path, Path]:
    """Write ``forecast.md`` and its picture into a folder.

    Parameters
    ----------
    study : of `read_study`.
    variables : of a forecast, by `variables_in`.
    posterior : the calibrated population.
    folder : the page goes here, the picture into its ``images``.

    Returns
    -------
    tuple of Path
        The page and the picture.
    """
    from anagen.report.forecast_study_figure import study_figure
    from anagen.report.style import png

    page, picture = folder / _PAGE, folder / _PICTURE
    picture.parent.mkdir(parents=True, exist_ok=True)
    write_whole(picture, png(study_figure(study), dpi=130))
    write_whole(page, page_text(study, variables, posterior))
    return page, picture


def page_text(
    study: Mapping[str, Any], variables: Sequence[Variable], posterior: "Posterior"
) -> str:
    """Text of the page, Markdown."""
    aims = aims_of(study)
    parts = [
        _HEAD,
        "## What was aimed at, and what was reached",
        _verdict(aims),
        "## How often the forecast was right",
        _design(study),
        _calibration_table(study),
        f"![Ranks, intervals and errors by visits seen]({_PICTURE})",
        _RANKS,
        _rank_table(study),
        "## Does it notice a patient whom it does not describe?",
        checked_words(study),
        *how_made(),
        "## How to read the answer",
        _reading(variables),
        "## Limits",
        limits(study, posterior),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _verdict(aims: Sequence[Aim]) -> str:
    missed = [aim for aim in aims if not aim.met]
    words = f"**{len(aims) - len(missed)} of {len(aims)} aims met.**"
    words += f" Missed: {'; '.join(aim.text for aim in missed)}." if missed else " None is missed."
    rows = [(aim.text, "met" if aim.met else "**missed**", aim.found) for aim in aims]
    return f"{words}\n\n{table(('aim', '', 'found'), rows)}"


def _design(study: Mapping[str, Any]) -> str:
    from anagen.forecast.studies import LEVEL
    from anagen.forecast.virtual import FOLLOW_UPS, LAST, SESSIONS

    return _CALIBRATION.format(
        patients=patients_of(study),
        seed=study["seed"],
        sessions=SESSIONS,
        weeks=", ".join(str(week) for week in FOLLOW_UPS),
        last=LAST,
        level=f"{LEVEL:.0%}".replace("%", " %"),
    )


def _calibration_table(study: Mapping[str, Any]) -> str:
    rows = [
        (
            str(visits), str(row["patches"]), share_words(study, visits), f"{row['width']:.2f}",
            f"{row['effective']:.0f}", f"{100 * row['flagged']:.1f} %", f"{row['crps']:.3f}",
            f"{row['error']:.3f}", f"{row['population_mean']:.3f}", f"{row['carried']:.3f}",
        )
        for visits, row in visits_of(study).items()
    ]  # fmt: skip
    heading = ("visits seen", "patches", "inside 90 %", "mean width", "effective", "flagged",
               "CRPS", "error of the median", "population mean", "last reading")  # fmt: skip
    return table(heading, rows)


def _rank_table(study: Mapping[str, Any]) -> str:
    found = {visits: rank_p(row) for visits, row in visits_of(study).items()}
    names = next(iter(found.values()))
    rows = [(name, *(f"{each[name]:.3f}" for each in found.values())) for name in names]
    return table(("rank of", *(visit_words(visits) for visits in found)), rows)


def _reading(variables: Sequence[Variable]) -> str:
    words = (
        "An `xarray.Dataset`: `anagen.forecast_patient(patient, plans)`, or "
        "`anagen forecast PATIENT --json`. *quantile* holds the median and the ends of the 50, 80 "
        "and 95 % intervals, *threshold* the regrowth that a chance is about, *week* counts from "
        "the latest visit or session. Names with `(_low, _high)` are chances with a 95 % interval "
        "of their own: what calibration leaves open about the population, and Monte Carlo error. "
        "Where the check fails outright every forecast is NaN: no number is given."
    )
    rows = [(f"`{name}`" if " " not in name else "`{}` {}".format(*name.split(" ", 1)), dims, unit)
            for name, dims, unit in variables]  # fmt: skip
    return f"{words}\n\n{table(('variable', 'by', 'what it is [unit]'), rows)}"


def variables_in(dataset: "xr.Dataset") -> list[Variable]:
    """Name, dimensions and words with unit of every variable; ends of intervals with their chance.

    Examples
    --------
    >>> import xarray as xr
    >>> about = {"long_name": "chance", "units": "1"}
    >>> one = {name: ("week", [0.5], about) for name in ("again", "again_low", "again_high")}
    >>> variables_in(xr.Dataset(one))
    [('again (_low, _high)', 'week', 'chance [1]')]
    """
    from anagen.forecast.summary import variables_of

    words = variables_of(dataset)
    ends = {f"{name}{end}" for name in words for end in ("_low", "_high")}
    return [
        (name + (" (_low, _high)" if f"{name}_low" in words else ""),
         ", ".join(str(dim) for dim in dataset[name].dims), text)
        for name, text in words.items() if name not in ends
    ]  # fmt: skip


def _any_forecast() -> "xr.Dataset":
    """Forecast of a patient with one patch, for the names of its variables."""
    from datetime import date

    from anagen.forecast.predict import forecast_patient
    from anagen.patient import PatchSeen, Patient, Visit
    from anagen.scalp import PatchShape, circle_outline

    shape = PatchShape(outlines=(circle_outline("top", 90.0, 90.0, 30.0),))
    seen = PatchSeen(id="A", shape=shape)
    patient = Patient(id="P1", visits=(Visit(date=date(2026, 1, 5), patches=(seen,)),))
    return forecast_patient(patient, weeks=4).dataset


def main(arguments: Iterable[str] | None = None) -> None:
    """Write the page from the figures of a study, from the command line."""
    from argparse import ArgumentParser

    from anagen.population.posterior import load_posterior

    parser = ArgumentParser(description="Write the page about what a forecast is worth.")
    parser.add_argument("--study", type=Path, default=Path("out/forecast_study.json"))
    parser.add_argument("--folder", type=Path, default=Path("docs"))
    asked = parser.parse_args(None if arguments is None else list(arguments))
    study = read_study(asked.study)
    paths = write_forecast_study_page(
        study, variables_in(_any_forecast()), load_posterior(), asked.folder
    )
    print("\n".join(str(path) for path in paths))


if __name__ == "__main__":
    main()
