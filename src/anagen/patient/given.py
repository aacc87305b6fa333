"""Sessions given, site by site: those recorded so, and those of which only sums are known."""

import math
from typing import TYPE_CHECKING

from anagen.patient.record import PatchDose, Patient, SessionSummary
from anagen.patient.timeline import patch_shapes
from anagen.treatment.injections import Injection, Session

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from anagen.scalp.grid import Scalp

_SPREAD = "sites spread over the patch: their places were not recorded"


def given_sessions(patient: Patient, scalp: "Scalp") -> tuple[Session, ...]:
    """Every session given, in order of date, for a model that needs each site.

    The sites of a session of which only sums are known are spread evenly over the patch, each
    with the same share of the dose; volume, strength, depth and needle not recorded are those of
    usual technique. The total dose is as recorded.

    Parameters
    ----------
    patient : a record without errors.
    scalp : the patient's; see `patient_scalp`.

    Returns
    -------
    tuple of Session

    Examples
    --------
    >>> from datetime import date
    >>> from anagen.patient import patient_scalp
    >>> dose = PatchDose(sites=8, dose_mg=4.0)
    >>> old = SessionSummary(date=date(2025, 1, 7), product="ta10", patches=(dose,))
    >>> patient = Patient(id="P1", session_summaries=(old,))
    >>> session = given_sessions(patient, patient_scalp(patient))[0]
    >>> session.sites, round(session.total_mg, 9)
    (8, 4.0)
    """
    spread = (_spread_session(patient, scalp, summary) for summary in patient.session_summaries)
    return tuple(sorted((*patient.sessions, *spread), key=lambda session: session.date))


def _spread_session(patient: Patient, scalp: "Scalp", summary: SessionSummary) -> Session:
    from anagen.scalp.views import view_point
    from anagen.treatment.technique import technique

    injections: list[Injection] = []
    for dose in summary.patches:
        strength, sites = _strength_and_sites(summary, dose)
        if not sites:
            continue
        volume = dose.dose_mg / strength / sites
        cells = _spread_cells(scalp, _weight(patient, scalp, summary, dose), sites)
        injections += [
            Injection(
                number=len(injections) + number,
                location=view_point(scalp, scalp.position[cell]),
                patch=dose.patch,
                product=summary.product,
                strength_mg_per_mL=strength,
                volume_mL=volume,
                depth_mm=technique("injection.depth"),
                needle_gauge=int(technique("injection.needle")),
                status="given",
            )
            for number, cell in enumerate(cells, start=1)
        ]
    note = "; ".join(part for part in (summary.note, _SPREAD) if part)
    return Session(
        date=summary.date,
        injections=tuple(injections),
        comfort=summary.comfort,
        operator=summary.operator,
        note=note,
    )


def _strength_and_sites(summary: SessionSummary, dose: PatchDose) -> tuple[float, int]:
    """Strength [mg/mL] and number of sites that give a volume per site which can be meant."""
    from anagen.evidence.products import load_product
    from anagen.treatment.technique import bounds, technique

    stock = load_product(summary.product).strength_mg_per_mL
    limits = bounds("injection.volume")
    strength = summary.strength_mg_per_mL or 0.0
    if not strength:
        needed = dose.dose_mg / dose.sites / limits.high
        strength = min(stock, max(technique("injection.strength"), needed))
    if not strength or not dose.dose_mg:
        return 0.0, 0
    strength = min(strength, dose.dose_mg / limits.low)
    total = dose.dose_mg / strength
    fewest, most = math.ceil(total / limits.high), max(math.floor(total / limits.low), 1)
    return strength, min(max(dose.sites, fewest), most)


def _weight(
    patient: Patient, scalp: "Scalp", summary: SessionSummary, dose: PatchDose
) -> "NDArray[np.bool_]":
    """Cells (cell,) that may have been injected: the patch, else all patches, else anywhere."""
    import numpy as np

    from anagen.scalp.patches import patch_cells

    shapes = {**patch_shapes(patient), **patch_shapes(patient, summary.date)}
    wanted = [shapes[dose.patch]] if dose.patch in shapes else list(shapes.values())
    cells = np.zeros(len(scalp.position), dtype=bool)
    for shape in wanted:
        cover = patch_cells(scalp, shape)
        cells |= cover >= min(0.5, float(cover.max()))
    return cells if cells.any() else ~cells


def _spread_cells(scalp: "Scalp", allowed: "NDArray[np.bool_]", count: int) -> list[int]:
    """Cells spread evenly: each next one is the farthest from those chosen (Gonzalez 1985)."""
    import numpy as np

    members = np.flatnonzero(allowed)
    position = scalp.position[members]
    first = int(np.argmin(np.linalg.norm(position - position.mean(axis=0), axis=1)))
    chosen = [first]
    distance = np.linalg.norm(position - position[first], axis=1)
    while len(chosen) < count:
        chosen.append(int(np.argmax(distance)))
        away = np.linalg.norm(position - position[chosen[-1]], axis=1)
        distance = np.minimum(distance, away)
    return [int(members[index]) for index in chosen]
