"""The calibrated population: posterior draws as a versioned file of the package."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from anagen._files import write_whole
from anagen.errors import EvidenceError
from anagen.population.fit_data import WORDS
from anagen.population.variability import Population, calibrated_traits, effects

LATEST_POSTERIOR = "2026.11"
_FOLDER = "population"


@dataclass(frozen=True)
class Posterior:
    """Draws of what calibration estimates.

    Parameters
    ----------
    draws : by name, (draw, ...): ``median``, ``log_spread`` (draw, trait), ``effect`` (draw,
        effect), ``log_gain``, ``tau``, ``definition_sd``, ``atrophy_half``, ``log_atrophy_width``,
        ``log_any_odds`` and the ``relapse_`` parameters (draw, ...).
    about : version, seed, command, names of traits and effects, diagnostics by name.
    """

    draws: Mapping[str, np.ndarray]
    about: Mapping[str, Any]

    def __len__(self) -> int:
        """Return the number of draws."""
        return len(self.draws["tau"])

    def population(self, draw: int) -> Population:
        """Point of the population of one draw."""
        d = self.draws
        return Population(
            d["median"][draw], np.exp(d["log_spread"][draw]), d["effect"][draw],
            np.exp(d["log_gain"][draw]),
        )  # fmt: skip

    def points(self, count: int) -> tuple[int, ...]:
        """Numbers of draws spread evenly over all of them."""
        return tuple(np.linspace(0, len(self) - 1, min(count, len(self))).round().astype(int))


@lru_cache(maxsize=2)
def load_posterior(version: str = LATEST_POSTERIOR) -> Posterior:
    """Load the draws that the package carries.

    Raises
    ------
    EvidenceError
        When there are none of that version, or they belong to other traits.

    Examples
    --------
    >>> len(load_posterior()) >= 400
    True
    """
    file = resources.files("anagen.evidence") / "data" / _FOLDER / f"{version}.npz"
    try:
        content = file.read_bytes()
    except OSError as error:
        raise EvidenceError(f"there is no calibrated population {version!r}: {error}") from error
    return read_posterior(content, version)


def read_posterior(content: bytes, version: str) -> Posterior:
    """Read draws from the content of a file; see `load_posterior`."""
    with np.load(io.BytesIO(content)) as stored:
        about = json.loads(str(stored["about"]))
        draws = {name: stored[name].astype(float) for name in stored.files if name != "about"}
    names = {"traits": [trait.key for trait in calibrated_traits()],
             "effects": [effect.covariate for effect in effects()],
             "words": list(WORDS)}  # fmt: skip
    for what, expected in names.items():
        if about[what] != expected:
            raise EvidenceError(
                f"calibrated population {version}: made for {what} {about[what]}, the model has "
                f"{expected}; run 'make calibrate'"
            )
    return Posterior(draws, about)


def save_posterior(posterior: Posterior, path: Path) -> None:
    """Write draws, single precision; the same draws give the same bytes."""
    buffer = io.BytesIO()
    arrays = {name: values.astype(np.float32) for name, values in posterior.draws.items()}
    about = np.array(json.dumps(dict(posterior.about), sort_keys=True))
    contents: dict[str, Any] = {"about": about, **dict(sorted(arrays.items()))}
    np.savez_compressed(buffer, **contents)
    write_whole(path, buffer.getvalue())
