"""From the loop's read-outs to a labelled dataset: names, units and derived figures."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from anagen._version import __version__
from anagen.biology import cortisol, pain, plasma
from anagen.biology.engine import STEPS_PER_SAVE, Readout, Tissue
from anagen.biology.exposure import Exposure, given
from anagen.biology.follicle import INDEX, STATES, VISIBLE, healthy_shares
from anagen.biology.start import PatchStart, Person
from anagen.evidence.parameters import ParameterSet
from anagen.evidence.scales import load_scales
from anagen.scalp import REGIONS, Scalp

if TYPE_CHECKING:
    import xarray as xr

    from anagen.treatment import Session

Variable = tuple[tuple[str, ...], np.ndarray, dict[str, str]]

SIGNS = {
    "tapering_hairs": ("dystrophic",),
    "yellow_dots": ("arrested",),
    "short_vellus_hairs": ("vellus",),
}


def _variable(dims: tuple[str, ...], values: Any, units: str, long_name: str) -> Variable:
    array = np.asarray(values)
    kind = np.float32 if array.ndim > 1 or array.dtype == np.float32 else array.dtype
    return dims, array.astype(kind, copy=False), {"units": units, "long_name": long_name}


def fields(
    scalp: Scalp, tissue: Tissue, readout: Readout, shed: np.ndarray, parameters: ParameterSet
) -> dict[str, Variable]:
    """Variables over cells, regions and the whole scalp."""
    cell = ("time", "cell")
    result = {
        "cover": _variable(cell, readout.cover, "1", "visible cover relative to normal"),
        "hair_density": _variable(cell, readout.hair_share * scalp.density_per_cm2, "1/cm2",
                                  "visible hairs"),
        "terminal_share": _variable(cell, readout.terminal_share, "1",
                                    "terminal share of visible hairs"),
        "calibre": _variable(cell, readout.calibre, "um", "mean calibre of visible hairs"),
        "shaft_length": _variable(cell, readout.shaft_length, "mm",
                                  "mean visible length of growing hairs, as far as it adds cover"),
        "attack": _variable(cell, readout.attack, "1", "autoreactive attack on the bulb"),
        "privilege": _variable(cell, readout.privilege, "1", "immune privilege of the bulb"),
        "tolerance": _variable(cell, readout.tolerance, "1", "local tolerance"),
        "inflammation": _variable(cell, readout.inflammation, "1", "inflammation around the bulb"),
        "tissue_concentration": _variable(
            cell, readout.concentration, "ug/mL",
            "steroid in tissue at the bulb, as triamcinolone acetonide"),
        "dermal_thickness": _variable(cell, readout.thickness, "1", "dermis relative to normal"),
        "pigment": _variable(cell, pigment(readout.synthesis, parameters), "1",
                             "pigment relative to normal"),
        "scalp_follicle_state": _variable(("time", "state"), readout.states[:, -1], "1",
                                          "share of all follicles by state"),
    }  # fmt: skip
    cover, partial = _losses(scalp, tissue, readout)
    shares = np.bincount(scalp.region, minlength=len(REGIONS)) / len(scalp.region)
    result["region_loss"] = _variable(("time", "region"), cover, "%", "visible hair loss of region")
    result["salt"] = _variable(("time",), cover @ shares, "%", "SALT from visible cover")
    result["salt_partial"] = _variable(("time",), partial @ shares, "%",
                                       "SALT with vellus hair counted in part")  # fmt: skip
    daily = np.concatenate([shed, shed[-1:]])
    result["shed_hairs"] = _variable(("time",), daily, "1/day", "hairs lost, week's mean")
    return result


def _losses(scalp: Scalp, tissue: Tissue, readout: Readout) -> tuple[np.ndarray, np.ndarray]:
    """Loss [%] by region, from cover and from counted hairs."""
    healthy = [float(value) for value in healthy_shares(tissue.follicle)]
    normal = sum(healthy[INDEX[name]] for name in VISIBLE)
    weight = load_scales().limits["partial_regrowth_weight"].value
    counted = (
        readout.hair_share
        / normal
        * (readout.terminal_share + weight * (1.0 - readout.terminal_share))
    )
    membership = np.stack([scalp.region == number for number in range(len(REGIONS))], 1)
    membership = membership / membership.sum(0)

    def loss(kept: np.ndarray) -> np.ndarray:
        return np.asarray(100.0 * np.clip(1.0 - kept @ membership, 0.0, 1.0))

    return loss(readout.cover), loss(counted)


def pigment(synthesis: np.ndarray, parameters: ParameterSet) -> np.ndarray:
    """Pigment relative to normal (time, cell): it follows dermal synthesis slowly.

    dp/dt = (s - p) / tau_m, stepped exactly over each week with s of its start.
    """
    keep = np.exp(-STEPS_PER_SAVE / parameters.value("skin.pigment_time", "day"))
    tone = np.ones_like(synthesis)
    for week in range(1, len(synthesis)):
        tone[week] = synthesis[week - 1] + (tone[week - 1] - synthesis[week - 1]) * keep
    return tone


def patches(
    scalp: Scalp,
    starts: Mapping[str, PatchStart],
    readout: Readout,
    parameters: ParameterSet,
) -> dict[str, Variable]:
    """Variables over patches: means over each patch's starting outline, its area and its risks."""
    weights = np.stack([patch.share for patch in starts.values()] or
                       [np.zeros(len(scalp.position))])[: len(starts)]  # fmt: skip
    totals = np.maximum(weights.sum(1), 1e-9)
    pair = ("time", "patch")

    def mean(values: np.ndarray) -> np.ndarray:
        return np.asarray(values @ weights.T / totals)

    cover, hairs = mean(readout.cover), mean(readout.hair_share * scalp.density_per_cm2)
    inside = weights > 0.5
    thinning = np.stack(
        [_thinnest(1.0 - readout.thickness[:, rows], parameters) for rows in inside], 1
    ) if len(starts) else np.zeros((len(cover), 0))  # fmt: skip
    terminal = mean(readout.hair_share * scalp.density_per_cm2 * readout.terminal_share)
    named = {
        "cover": (cover, "1", "visible cover"),
        "regrowth": (np.minimum((cover - cover[0]) / np.maximum(1.0 - cover[0], 1e-6), 1.0), "1",
                     "share of the missing cover that has come back"),
        "area": (_bald_area(scalp, starts, readout.cover), "cm2", "bald area of this patch"),
        "hair_density": (hairs, "1/cm2", "visible hairs"),
        "terminal_share": (terminal / np.maximum(hairs, 1e-6), "1", "terminal share of hairs"),
        "calibre": (mean(readout.hair_share * readout.calibre)
                    / np.maximum(mean(readout.hair_share), 1e-6), "um", "mean calibre"),
        "attack": (mean(readout.attack), "1", "attack"),
        "privilege": (mean(readout.privilege), "1", "immune privilege"),
        "inflammation": (mean(readout.inflammation), "1", "inflammation"),
        "tissue_concentration": (mean(readout.concentration), "ug/mL", "steroid in tissue"),
        "dermal_thickness": (mean(readout.thickness), "1", "dermis relative to normal"),
        "thinning": (thinning, "1", "thinning of the patch's thinnest tenth"),
    }  # fmt: skip
    result = {f"patch_{key}": _variable(pair, *value) for key, value in named.items()}
    result["follicle_state"] = _variable(("time", "patch", "state"), readout.states[:, :-1], "1",
                                         "share of the patch's follicles by state")  # fmt: skip
    signs = np.stack(
        [sum(readout.states[:, :-1, INDEX[name]] for name in names) for names in SIGNS.values()], -1
    )
    result["trichoscopy"] = _variable(("time", "patch", "sign"), signs, "1",
                                      "share of follicles that show the sign")  # fmt: skip
    for name, values in risks(thinning, parameters).items():
        result[name] = _variable(pair, values, "1", f"chance so far of visible {name[5:]}")
    return result


def _thinnest(thinning: np.ndarray, parameters: ParameterSet) -> np.ndarray:
    """Mean thinning (time,) of the thinnest tenth of a patch's cells (time, cell)."""
    if thinning.shape[1] == 0:
        return np.zeros(len(thinning))
    share = parameters.value("skin.thinnest_share", "1")
    count = max(1, int(np.ceil(share * thinning.shape[1])))
    return np.asarray(np.sort(thinning, axis=1)[:, -count:].mean(1))


def _bald_area(scalp: Scalp, starts: Mapping[str, PatchStart], cover: np.ndarray) -> np.ndarray:
    """Bald area [cm2] (time, patch): lost cover of the cells that are nearest to each patch."""
    from scipy.spatial import cKDTree

    if not starts:
        return np.zeros((len(cover), 0))
    distances = [
        cKDTree(scalp.position[patch.share > 0]).query(scalp.position)[0]
        if (patch.share > 0).any() else np.full(len(scalp.position), np.inf)
        for patch in starts.values()
    ]  # fmt: skip
    owner = np.argmin(np.stack(distances), axis=0)
    member = np.stack([owner == number for number in range(len(starts))], 1)
    return np.asarray(np.clip(1.0 - cover, 0.0, 1.0) @ member * scalp.cell_area_mm2 / 100.0)


def risks(thinning: np.ndarray, parameters: ParameterSet) -> dict[str, np.ndarray]:
    """Chance so far (time, patch) of visible atrophy, telangiectasia and pigment change.

    Logistic in the greatest thinning so far; the odds at no thinning are taken off, so an
    untreated patch has no risk.
    """
    worst = np.maximum.accumulate(thinning, axis=0) if len(thinning) else thinning
    half = parameters.value("skin.atrophy_half_thickness", "1")
    width = parameters.value("skin.atrophy_spread", "1")
    odds = np.exp((worst - half) / width) - np.exp(-half / width)

    def chance(ratio: float) -> np.ndarray:
        scaled = ratio * np.maximum(odds, 0.0)
        return np.asarray(scaled / (1.0 + scaled))

    return {
        "risk_atrophy": chance(1.0),
        "risk_telangiectasia": chance(parameters.value("skin.telangiectasia_ratio", "1")),
        "risk_pigment": chance(parameters.value("skin.pigment_ratio", "1")),
    }


def blood(
    sessions: Sequence["Session"], exposure: Exposure, person: Person, parameters: ParameterSet
) -> dict[str, Variable]:
    """Variables over days: where the steroid is, and what blood and adrenals make of it."""
    days, count = len(exposure.edges) - 1, len(sessions)
    belongs = exposure.session[:, None] == np.arange(count)
    release, left = exposure.release @ belongs, exposure.left @ belongs
    with jax.enable_x64(True):
        fate = plasma.Plasma.from_parameters(parameters)
        if person.strong_inhibitor:
            fate = plasma.inhibited(fate, parameters.value("plasma.strong_inhibitor_factor", "1"))
        rate = parameters.value("dermis.clearance", "1/day")
        where = plasma.systemic_amounts(fate, jnp.asarray(release), rate)
        total = jnp.sum(where.mean_plasma, axis=1) if count else jnp.zeros(days)
        level = plasma.concentration(fate, total, person.weight_kg)
        axis = cortisol.Cortisol.from_parameters(parameters)
        answer = cortisol.respond(axis, level)
    started = exposure.edges[1:, None] >= np.array(
        [float(first) for first in _session_days(exposure, count)]
    )
    micrograms = started * (exposure.dose @ belongs)
    milligrams = micrograms.sum(1) / 1000.0
    pair, day = ("day", "session"), ("day",)

    def exact(dims: tuple[str, ...], values: Any, units: str, name: str) -> Variable:
        return dims, np.asarray(values, float), {"units": units, "long_name": name}

    return {
        "injected": exact(pair, micrograms, "ug", "active steroid injected so far"),
        "depot": exact(pair, left[1:], "ug", "solid steroid left in the depots"),
        "dissolved": exact(pair, (where.tissue + where.plasma)[1:], "ug",
                           "steroid dissolved in tissue and plasma"),
        "eliminated": exact(pair, where.eliminated[1:], "ug", "steroid eliminated"),
        "plasma_concentration": exact(day, level, "ng/mL", "triamcinolone acetonide in plasma"),
        "cortisol_mean": exact(day, answer.mean, "1", "day's mean cortisol relative to baseline"),
        "cortisol_morning": exact(day, answer.morning, "1",
                                  "morning cortisol relative to baseline"),
        "cortisol_morning_level": exact(day, answer.morning_level, "ng/mL", "morning cortisol"),
        "cortisol_suppression": exact(day, answer.suppression, "1",
                                      "share of cortisol release held back"),
        "adrenal_capacity": exact(day, answer.capacity, "1", "adrenal capacity"),
        "cumulative_dose": exact(day, milligrams, "mg", "steroid injected so far"),
    }  # fmt: skip


def _session_days(exposure: Exposure, count: int) -> list[float]:
    """Day on which each session injects; far in the future for one that injects no drug."""
    days = [np.inf] * count
    for session, start in zip(exposure.session, exposure.start, strict=True):
        days[session] = start
    return days


def pains(sessions: Sequence["Session"], parameters: ParameterSet) -> dict[str, Variable]:
    """Pain of every session: expected, low and high score 0-10, and seconds of discomfort."""
    rows = []
    for session in sessions:
        items = given(session)
        felt = pain.session_pain(
            parameters,
            [item.volume_mL for item in items],
            [float(item.needle_gauge) for item in items],
            [item.depth_mm for item in items],
            session.comfort,
        )
        rows.append((felt.score, felt.low, felt.high, felt.seconds))
    columns = np.array(rows, float).reshape(-1, 4).T
    names = ("pain", "pain_low", "pain_high", "pain_seconds")
    units = ("1", "1", "1", "s")
    words = ("worst pain, score 0-10", "pain, low end", "pain, high end", "time of discomfort")
    return {
        name: (("session",), column, {"units": unit, "long_name": word})
        for name, column, unit, word in zip(names, columns, units, words, strict=True)
    }


def label(
    variables: Mapping[str, Variable],
    scalp: Scalp,
    starts: Mapping[str, PatchStart],
    sessions: Sequence["Session"],
    start: date,
    edges: np.ndarray,
    attributes: Mapping[str, Any],
) -> "xr.Dataset":
    """Put variables and coordinates into a dataset, with what made it in its attributes."""
    import xarray as xr

    weeks = variables["salt"][1].shape[0]
    x, y, z = scalp.position.T
    cell = ("cell",)
    coordinates = {
        "time": _variable(("time",), STEPS_PER_SAVE * np.arange(weeks), "day", "since start"),
        "day": _variable(("day",), edges[1:].astype(int), "day", "end of the day, since start"),
        "region": ("region", list(REGIONS)),
        "patch": ("patch", np.array(list(starts), dtype=object)),
        "state": ("state", list(STATES)),
        "sign": ("sign", list(SIGNS)),
        "session": _variable(("session",), np.arange(1, len(sessions) + 1), "1", "session"),
        "session_day": _variable(("session",), [(item.date - start).days for item in sessions],
                                 "day", "since start"),
        "cell_region": _variable(cell, scalp.region, "1", "SALT region, index into region"),
        "cell_x": _variable(cell, x.astype(np.float32), "mm", "to the patient's right"),
        "cell_y": _variable(cell, y.astype(np.float32), "mm", "to the front"),
        "cell_z": _variable(cell, z.astype(np.float32), "mm", "up"),
    }  # fmt: skip
    return xr.Dataset(
        dict(variables),
        coordinates,
        {
            "title": "Anagen course",
            "start_date": start.isoformat(),
            "model_version": __version__,
            "circumference_mm": scalp.circumference_mm,
            "cell_mm": scalp.cell_mm,
            "cell_area_mm2": scalp.cell_area_mm2,
            **attributes,
        },
    )
