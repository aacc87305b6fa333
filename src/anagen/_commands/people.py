"""What ``anagen people`` does: draw virtual people into a file and say who they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anagen._commands.files import check_output

DEFAULT_SETTING = "clinic"
_SUMMARISED = 100_000  # people of whom the summary speaks, so that it costs little of a long draw


@dataclass(frozen=True)
class PeopleRequest:
    """What the user asks of a draw of people."""

    n: int
    seed: int = 0
    setting: str = DEFAULT_SETTING
    output: Path = Path("people.parquet")


def make_people(request: PeopleRequest) -> dict[str, Any]:
    """Draw people with the traits of the calibrated population, write and summarise them.

    Parameters
    ----------
    request : PeopleRequest

    Returns
    -------
    dict
        Plain data: numbers asked for, quartiles and shares.

    Raises
    ------
    InputError
        When the number, seed, setting or file cannot be meant.
    """
    from anagen.population.people import write_people
    from anagen.population.posterior import load_posterior
    from anagen.population.settings import Setting, check_draw
    from anagen.population.virtual import trait_units, traits_of

    setting = Setting(request.setting)
    check_draw(request.n, request.seed, setting)
    check_output(request.output, ".parquet")
    posterior = load_posterior()
    write_people(
        request.output, request.n, request.seed, setting, traits_of(posterior),
        trait_units=trait_units(), posterior=str(posterior.about["version"]),
    )  # fmt: skip
    return summarise_people(request)


def summarise_people(request: PeopleRequest) -> dict[str, Any]:
    """Quartiles and shares of the first people of a draw, as plain data."""
    from anagen.population.covariates import FEMALE, draw_covariates
    from anagen.population.patch_sizes import draw_patches
    from anagen.population.settings import Setting

    count = min(request.n, _SUMMARISED)
    people = draw_covariates(count, request.seed, Setting(request.setting))
    patches = draw_patches(people, request.seed)
    episode_limits = (people.episode_days < 183.0, people.episode_days > 730.0)
    return {
        "people": request.n,
        "summarised": count,
        "seed": request.seed,
        "setting": request.setting,
        "output": str(request.output),
        "quartiles": {
            "age, years": _quartiles(people.age_years),
            "age at onset, years": _quartiles(people.onset_age_years),
            "weight, kg": _quartiles(people.weight_kg),
            "present episode, months": _quartiles(people.episode_days / 30.4375),
            "extent, % of the scalp": _quartiles(100.0 * people.extent),
            "diameter of a patch, mm": _quartiles(patches.diameter_mm),
        },
        "shares_percent": {
            "female": _percent(people.sex == FEMALE),
            "episode under 6 months": _percent(episode_limits[0]),
            "episode over 24 months": _percent(episode_limits[1]),
            "earlier episode": _percent(people.recurrent),
            "nail change": _percent(people.nail_change),
            "family history": _percent(people.family_history),
            "atopy": _percent(people.atopy),
            "one patch": _percent(people.patches == 1),
            "two patches": _percent(people.patches == 2),
            "three or more": _percent(people.patches >= 3),
        },
    }


def print_people(summary: dict[str, Any]) -> None:
    """Print who the people are: quartiles, shares, where they were written."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    title = f"{summary['people']} people, setting {summary['setting']}, seed {summary['seed']}"
    console.print(Text(title, style="bold"))
    if summary["summarised"] < summary["people"]:
        console.print(Text(f"Figures of the first {summary['summarised']}:"))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("", "lower quartile", "median", "upper quartile"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, values in summary["quartiles"].items():
        table.add_row(name, *(f"{value:.3g}" for value in values))
    console.print(table)
    shares = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    shares.add_column("")
    shares.add_column("%", justify="right")
    for name, value in summary["shares_percent"].items():
        shares.add_row(name, f"{value:.1f}")
    console.print(shares)
    console.print(Text(f"People written to {summary['output']}", style="green"))


def _quartiles(values: Any) -> Sequence[float]:
    import numpy as np

    return [float(value) for value in np.quantile(values, (0.25, 0.5, 0.75))]


def _percent(flags: Any) -> float:
    return 100.0 * float(flags.mean())
