"""Prices of a treatment, from a small TOML file, and what the arms of a trial cost.

Example of a file::

    currency = "EUR"
    per_session = 60.0     # injecting, once for every session given
    per_visit = 25.0       # for every planned visit to which somebody came
    per_vial = 8.5         # a vial is opened afresh at every session ...
    vial_mg = 40.0         # ... and what is left of it is thrown away
    source = "Price list of our clinic, 2026"
"""

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from anagen.errors import InputError, Problem
from anagen.patient.quantities import shorten
from anagen.patient.vocabulary import nearest
from anagen.trials.chunk_dataset import SESSION
from anagen.trials.flow import ALL, units_of
from anagen.trials.protocol import Protocol

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

_LARGEST_BYTES = 20_000  # a price list of a few lines; a larger file is something else
_MOST = 1e9  # no price in any currency is beyond it
_ROUNDING = 1e-6  # of a vial; single precision does not open another one
_REMEDY = 'Write for example: currency = "EUR", per_session = 60.0, source = "Price list 2026".'

Price = Annotated[float, Field(ge=0.0, le=_MOST, allow_inf_nan=False)]
Words = Annotated[str, Field(min_length=1, max_length=400)]


class Prices(BaseModel):
    """What things cost.

    Parameters
    ----------
    currency : for example ``EUR``.
    per_session : for every session given; per_visit : for every planned visit attended. What is
        done on one day is charged under both.
    per_mg : of steroid; or per_vial with vial_mg [mg], vials being opened afresh for every person
        at every session.
    source : where the prices come from.

    Examples
    --------
    >>> Prices(currency="EUR", per_session=60.0, source="price list").per_visit
    0.0
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    currency: Annotated[str, Field(min_length=1, max_length=12)]
    per_session: Price = 0.0
    per_visit: Price = 0.0
    per_mg: Price | None = None
    per_vial: Price | None = None
    vial_mg: Annotated[float, Field(gt=0.0, le=_MOST, allow_inf_nan=False)] | None = None
    source: Words


def read_prices(path: str | os.PathLike[str]) -> Prices:
    """Read prices from a TOML file.

    Raises
    ------
    InputError
        When it cannot be read, or prices are missing, unknown, negative or contradict each other;
        all that is wrong together.
    """
    name = ascii(os.fspath(path))[1:-1][:200]
    data = _table(Path(path), name)
    try:
        prices = Prices.model_validate(data, strict=True)
    except ValidationError as raised:
        raise InputError(
            [_problem(name, error) for error in raised.errors(include_url=False)]
        ) from None
    problems = list(_contradictions(name, prices))
    if problems:
        raise InputError(problems)
    return prices


def _table(path: Path, name: str) -> dict[str, Any]:
    try:
        if path.is_file() and path.stat().st_size > _LARGEST_BYTES:
            raise InputError(Problem(name, "a list of prices of a few lines",
                                     f"{path.stat().st_size // 1000} kB", _REMEDY))  # fmt: skip
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as raised:
        raise InputError(Problem(name, "valid TOML", shorten(str(raised)), _REMEDY)) from None
    except UnicodeDecodeError:
        raise InputError(Problem(name, "text in UTF-8", "other bytes",
                                 "Save the file again as UTF-8.")) from None  # fmt: skip
    except (OSError, ValueError) as raised:
        why = str(getattr(raised, "strerror", None) or raised).lower()
        raise InputError(Problem(name, "a file that can be read", why,
                                 "Check the path and the permissions.")) from None  # fmt: skip


def _problem(name: str, error: Any) -> Problem:
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "missing":
        return Problem(f"{name}: {key}", "a value", "nothing", _REMEDY)
    if error["type"] == "extra_forbidden":
        meant = nearest(key, tuple(Prices.model_fields))
        remedy = f"Did you mean '{meant}'?" if meant else (
            f"Known are {', '.join(Prices.model_fields)}.")  # fmt: skip
        return Problem(f"{name}: {key}", "a known price", "an unknown one", remedy)
    message = error["msg"].replace("Input should be ", "")
    return Problem(f"{name}: {key}", message, shorten(repr(error["input"])), _REMEDY)


def _contradictions(name: str, prices: Prices) -> list[Problem]:
    problems = []
    if prices.per_mg is not None and prices.per_vial is not None:
        problems.append(Problem(f"{name}: per_mg, per_vial", "one of them", "both",
                                "Drug is paid by the mg or by the vial."))  # fmt: skip
    if (prices.per_vial is None) != (prices.vial_mg is None):
        missing = "vial_mg" if prices.vial_mg is None else "per_vial"
        problems.append(Problem(f"{name}: {missing}", "per_vial and vial_mg together", "one alone",
                                f"Add {missing}."))  # fmt: skip
    charged = (prices.per_session, prices.per_visit, prices.per_mg or 0.0, prices.per_vial or 0.0)
    if not any(charged):
        problems.append(Problem(name, "at least one price above 0", "none", _REMEDY))
    return problems


def cost(protocol: Protocol, dataset: "xr.Dataset", prices: Prices) -> "pd.DataFrame":
    """Cost of each person, by arm; of all arms together where everybody gets all arms.

    Parameters
    ----------
    protocol : of the trial; dataset : of its people; prices : of `read_prices`.

    Returns
    -------
    pandas.DataFrame
        One row for every ``arm`` (``all`` within people): ``people``, mean cost a person of
        ``sessions``, ``visits``, ``drug``, their ``total`` with ``total_sd`` and median, and
        ``vials`` opened; ``currency`` and ``source``.
    """
    import pandas as pd

    parts = _parts(protocol, dataset, prices)
    units = units_of(dataset)
    followed = {ALL: np.ones(len(parts["total"]), bool)}
    if protocol.design == "parallel":
        followed = {arm.key: units.arm == n for n, arm in enumerate(protocol.arms)}
    rows = []
    for arm, own in followed.items():
        mean = {name: float(values[own].mean()) if own.any() else np.nan
                for name, values in parts.items()}  # fmt: skip
        total = parts["total"][own]
        rows.append({"arm": arm, "people": int(own.sum()), **mean,
                     "total_sd": float(total.std(ddof=1)) if len(total) > 1 else np.nan,
                     "total_median": float(np.median(total)) if len(total) else np.nan,
                     "currency": prices.currency, "source": prices.source})  # fmt: skip
    return pd.DataFrame(rows)


def _parts(protocol: Protocol, dataset: "xr.Dataset", prices: Prices) -> dict[str, np.ndarray]:
    """Cost (person,) of what each person had; people in the order of their first unit."""
    person = units_of(dataset).person
    _, first, group = np.unique(person, return_index=True, return_inverse=True)
    people = len(first)
    status = dataset["session_status"].values
    given = np.zeros((people, status.shape[1]), bool)
    mg = np.zeros((people, status.shape[1]))
    for slot in range(status.shape[1]):
        held = status[:, slot] == SESSION["given"]
        given[:, slot] = np.bincount(group, held, minlength=people) > 0
        mg[:, slot] = np.bincount(group, _session_mg(dataset, slot), minlength=people)
    came = dataset["attended"].values.sum(axis=1)[first]
    vials = np.zeros(people)
    if prices.vial_mg is not None:
        vials = np.ceil(mg / prices.vial_mg - _ROUNDING).sum(axis=1)
    drug = (prices.per_mg or 0.0) * mg.sum(axis=1) + (prices.per_vial or 0.0) * vials
    sessions, visits = prices.per_session * given.sum(axis=1), prices.per_visit * came
    found = {"sessions": sessions, "visits": visits, "drug": drug, "vials": vials,
             "total": sessions + visits + drug}  # fmt: skip
    if protocol.design == "parallel" and people == len(person):
        # Back to the order of the units, which is that of the arms asked for.
        return {name: values[group] for name, values in found.items()}
    return found


def _session_mg(dataset: "xr.Dataset", slot: int) -> np.ndarray:
    """Steroid (unit,) [mg] of one session: the unit's milligrams, shared out by strength."""
    strength = np.nan_to_num(dataset["strength"].values.astype(np.float64))
    whole = strength.sum(axis=1)
    share = np.divide(strength[:, slot], whole, out=np.zeros(len(whole)), where=whole > 0)
    return np.asarray(share * dataset["mg"].values)
