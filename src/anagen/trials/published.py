"""Published figures of a shipped design beside the simulated ones.

The figures are those of the project's own evidence, with the reading of unclear definitions that
the whole model uses (`anagen.population.conditions`). What a study of the published size would have
found by the simulation is an interval of its own: chance in a study of that size, what studies
differ by and what an unclear definition may mean, both as learnt by the calibration, and the chance
of the simulation itself. The doubt about the population lies within the simulated people, each of
whom is of another draw of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from anagen.errors import EvidenceError
from anagen.evidence.published import Arm, Harm, load_arms, load_harms
from anagen.evidence.rows import check_fields, read_table
from anagen.population.conditions import ArmCase, case_of
from anagen.population.model import SLOPE, scale_of
from anagen.population.posterior import Posterior, load_posterior
from anagen.population.published_intervals import case_interval
from anagen.trials.chunk_dataset import SESSION
from anagen.trials.flow import units_of, visit_number
from anagen.trials.protocol import Endpoint, Protocol, fingerprint
from anagen.trials.protocol_file import read_protocol_file, shipped

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

Quantity = Literal["endpoint", "gained_terminal", "sessions_until_stopped", "atrophy_seen"]

_FILE = "trial_published.toml"
_FIELDS = frozenset({"table", "study", "arm", "counted", "arms", "quantity", "endpoint", "measure",
                     "comparable"})  # fmt: skip
_STUDIES = 20_000  # simulated studies behind an interval; its ends are steady to a tenth of a point
_EDGE = 1e-4  # shares are kept off 0 and 1, where the logit ends
_PERCENT = 100.0


@dataclass(frozen=True)
class PublishedRow:
    """A published figure and what it is held against.

    Parameters
    ----------
    evidence : row of ``arms.csv`` or ``harms.csv``.
    arms : of the protocol, taken together; quantity, endpoint : what is read from the simulation.
    measure : in words; comparable : whether it is judged; note : what a reader must know.
    """

    evidence: Arm | Harm
    arms: tuple[str, ...]
    quantity: Quantity
    endpoint: str
    measure: str
    comparable: bool
    note: str = ""


@dataclass(frozen=True)
class PublishedDesign:
    """What was published of a shipped design.

    Parameters
    ----------
    words : what a reader must know; rows : figures, none where nothing can be compared.
    """

    words: str
    rows: tuple[PublishedRow, ...] = ()


@lru_cache(maxsize=1)
def load_published() -> Mapping[str, PublishedDesign]:
    """Load what was published of the shipped designs, by key of the protocol.

    Raises
    ------
    EvidenceError
        When a row names evidence, an arm or an endpoint that does not exist.

    Examples
    --------
    >>> len(load_published()["five-against-ten"].rows)
    5
    """
    designs = {}
    for key, table in read_table(_FILE).items():
        place = f"{_FILE}: {key}"
        row = check_fields(place, table, frozenset({"words"}), frozenset({"row"}))
        protocol = read_protocol_file(key).protocol if key in shipped() else None
        if protocol is None:
            raise EvidenceError(f"{place}: no shipped protocol has this key")
        rows = tuple(_row(f"{place} row {number}", one, protocol)
                     for number, one in enumerate(row.get("row", ()), start=1))  # fmt: skip
        designs[key] = PublishedDesign(row["words"], rows)
    return designs


def _row(place: str, table: Mapping[str, Any], protocol: Protocol) -> PublishedRow:
    row = check_fields(place, table, _FIELDS, frozenset({"week", "note"}))
    unknown = set(row["arms"]) - {arm.key for arm in protocol.arms}
    if unknown or row["endpoint"] not in {one.key for one in protocol.endpoints}:
        raise EvidenceError(f"{place}: no such arm or endpoint in {protocol.key}")
    if row["quantity"] not in get_args(Quantity):
        raise EvidenceError(f"{place}: quantity {row['quantity']!r}")
    found: list[Arm | Harm]
    if row["table"] == "arms":
        found = [arm for arm in load_arms()
                 if (arm.study_id, arm.arm, arm.endpoint) == _name(row)
                 and arm.time_weeks == row.get("week")]  # fmt: skip
    else:
        found = [harm for harm in load_harms()
                 if (harm.study_id, harm.arm, harm.harm) == _name(row)]  # fmt: skip
    if len(found) != 1:
        raise EvidenceError(f"{place}: {len(found)} rows of {row['table']}.csv, not one")
    return PublishedRow(found[0], tuple(row["arms"]), row["quantity"], row["endpoint"],
                        row["measure"], bool(row["comparable"]), row.get("note", ""))  # fmt: skip


def _name(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["study"], row["arm"], row["counted"]


def published_design(protocol: Protocol) -> PublishedDesign:
    """Find what was published of a design; a changed protocol is none of the shipped ones.

    The number of people and the seed may differ.
    """
    design = load_published().get(protocol.key)
    if design is None:
        return PublishedDesign("This is no shipped design; nothing published is known of it.")
    original = read_protocol_file(protocol.key).protocol
    same = protocol.model_copy(update={"people": original.people, "seed": original.seed})
    if fingerprint(same) != fingerprint(original):
        return PublishedDesign(
            f"The protocol differs from the shipped '{protocol.key}', so that what was published "
            "of that design is not held against it."
        )
    return design


def beside_published(
    protocol: Protocol,
    dataset: "xr.Dataset",
    posterior: Posterior | None = None,
    seed: int = 0,
) -> "pd.DataFrame":
    """Hold what was published of a design against the simulated trial.

    Parameters
    ----------
    protocol : of the trial; dataset : of its people, all replicates taken together.
    posterior : where what studies differ by comes from; the package's own when None.
    seed : of the studies that are simulated for the intervals.

    Returns
    -------
    pandas.DataFrame
        One row for every published figure: ``measure``, ``arms``, ``unit``, ``published`` with
        ``published_low`` and ``published_high`` (95 %), ``published_n`` and ``published_count``;
        ``simulated`` with ``predicted_low`` and ``predicted_high`` (95 % of studies of the
        published size) and ``simulated_n``; ``inside`` (None where not judged), ``calibrated``
        (whether the model was calibrated to that figure), ``source``, ``status`` and ``note``.
        The attribute ``words`` says what a reader must know; no rows where nothing was published.
    """
    import pandas as pd

    design = published_design(protocol)
    posterior = posterior or load_posterior()
    rows = []
    for number, row in enumerate(design.rows):
        values = _simulated(protocol, dataset, row)
        random = np.random.default_rng([seed, number])
        rows.append(_compared(row, values, posterior, random))
    table = pd.DataFrame(rows, columns=list(_COLUMNS))
    table.attrs["words"] = design.words
    return table


_COLUMNS = (
    "measure", "arms", "unit", "published", "published_low", "published_high", "published_n",
    "published_count", "simulated", "predicted_low", "predicted_high", "simulated_n", "inside",
    "calibrated", "source", "status", "note",
)  # fmt: skip


def _compared(
    row: PublishedRow, values: np.ndarray, posterior: Posterior, random: np.random.Generator
) -> dict[str, Any]:
    arm = row.evidence
    found: dict[str, Any] = {
        "measure": row.measure, "arms": ", ".join(row.arms), "unit": "%",
        "simulated": _PERCENT * values.mean() if len(values) else np.nan,
        "simulated_n": len(values), "inside": None, "calibrated": False,
        "source": arm.reference, "status": arm.quote_status, "note": row.note,
    }  # fmt: skip
    case = case_of(arm) if isinstance(arm, Arm) else None
    if not isinstance(case, ArmCase):
        percent = arm.percent if isinstance(arm, Harm) else None
        return found | {"published": percent, "published_n": getattr(arm, "n_total", None)}
    sessions = case.endpoint.kind == "sessions_to_complete"
    scale, unit = (1.0, "sessions") if sessions else (_PERCENT, "%")
    low, high = case_interval(case, unit)
    found |= {
        "unit": unit, "published": scale * case.observed, "published_low": low,
        "published_high": high, "published_n": case.total, "published_count": case.count,
        "simulated": scale * values.mean() if len(values) else np.nan,
        "calibrated": case.calibrate,
        "note": "; ".join(filter(None, (row.note.rstrip("."), *case.notes))),
    }  # fmt: skip
    if row.comparable and len(values) > 1:
        ends = _interval(case, values, posterior, random)
        found["predicted_low"], found["predicted_high"] = scale * ends[0], scale * ends[1]
        found["inside"] = bool(found["predicted_low"] <= found["published"]
                               <= found["predicted_high"])  # fmt: skip
    return found


def _interval(
    case: ArmCase, values: np.ndarray, posterior: Posterior, random: np.random.Generator
) -> tuple[float, float]:
    """Central 95 % of what studies of the published size would find; see the top of the file."""
    chosen = random.integers(0, len(posterior), _STUDIES)
    shift = posterior.draws["tau"][chosen] * random.normal(size=_STUDIES)
    vague = posterior.draws["definition_sd"][chosen] * random.normal(size=_STUDIES)
    shift = shift + case.unclear * vague
    count, mean = len(values), float(values.mean())
    spread = float(values.std(ddof=1))
    if case.likelihood == "binomial":
        assert case.total is not None
        if np.isin(values, (0.0, 1.0)).all():
            centre = random.beta(mean * count + 0.5, (1.0 - mean) * count + 0.5, _STUDIES)
        else:
            centre = mean + spread / np.sqrt(count) * random.normal(size=_STUDIES)
        centre = np.clip(centre, _EDGE, 1.0 - _EDGE)
        logit = np.log(centre / (1.0 - centre)) + shift
        studies = random.binomial(case.total, 1.0 / (1.0 + np.exp(-logit))) / case.total
    else:
        size = spread * np.sqrt(1.0 / count + 1.0 / (case.total or count))
        studies = mean + SLOPE * scale_of(case) * shift + size * random.normal(size=_STUDIES)
    low, high = np.percentile(studies, (2.5, 97.5))
    return float(low), float(high)


def _simulated(protocol: Protocol, dataset: "xr.Dataset", row: PublishedRow) -> np.ndarray:
    """Values (unit,) of what a row is held against; those who have none are left out."""
    from anagen.trials.endpoint_values import endpoint_values

    units = units_of(dataset)
    wanted = [number for number, arm in enumerate(protocol.arms) if arm.key in row.arms]
    endpoint: Endpoint = next(one for one in protocol.endpoints if one.key == row.endpoint)
    own = np.isin(units.arm, wanted) & ~units.failed
    if row.quantity in ("endpoint", "atrophy_seen"):
        found = endpoint_values(protocol, dataset, endpoint)
        values = np.asarray(found.value, np.float64)[np.isin(found.arm, wanted)]
        return np.asarray(values[~np.isnan(values)])
    visit = visit_number(protocol, endpoint.week)
    if row.quantity == "gained_terminal":
        hair = dataset["hair_share"].isel(visit=[0, visit]).values.astype(np.float64)
        gained = np.maximum(hair[:, 1] - hair[:, 0], 0.0)
        values = gained * dataset["terminal_share"].isel(visit=visit).values
        own &= dataset["attended"].isel(visit=visit).values.astype(bool)
        return np.asarray(values[own])
    given = (dataset["session_status"].values == SESSION["given"]).sum(axis=1)
    own &= ~np.isnan(dataset["stopped_week"].values)
    return np.asarray(given[own], np.float64)
