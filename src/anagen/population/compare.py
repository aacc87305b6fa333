"""Published arms against the model: predicted value, intervals, and what cannot be compared."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from anagen.evidence.published import Arm
from anagen.population.conditions import ArmCase, NotComparable, case_of
from anagen.population.left_out import case_name
from anagen.population.posterior import Posterior, load_posterior
from anagen.population.predict import DRAWS, LEVELS, PEOPLE, Prediction, predict_cases

Report = Callable[[str], None]

_WIDE = 60.0  # percentage points; a wider interval says little
_MANY = 40  # patients from which on it should say more


@dataclass(frozen=True)
class Compared:
    """One published row beside the model.

    Parameters
    ----------
    arm : as published.
    prediction : what the model predicts; None where it cannot.
    reason : why not; empty where it can.
    left_out : prediction (``low_95``, ``predicted``, ...) of a calibration without this study, for
        rows that the model was calibrated to; None for others.
    """

    arm: Arm
    prediction: Prediction | None
    reason: str = ""
    left_out: dict[str, Any] | None = None

    @property
    def calibrated(self) -> bool:
        """Whether the model was calibrated to this row."""
        return self.left_out is not None


def compare_arms(
    arms: Sequence[Arm],
    posterior: Posterior | None = None,
    *,
    people: int = PEOPLE,
    draws: int = DRAWS,
    seed: int = 0,
    report: Report | None = None,
) -> tuple[Compared, ...]:
    """Hold published arms against the model; every arm has one entry, in its order.

    Parameters
    ----------
    arms : of the package or of `anagen.evidence.arm_files.read_arms_file`.
    posterior, people, draws, seed, report : as in `anagen.population.predict.ask`.
    """
    posterior = posterior or load_posterior()
    read = [case_of(arm) for arm in arms]
    cases = [case for case in read if isinstance(case, ArmCase)]
    found = iter(
        predict_cases(cases, posterior, people=people, draws=draws, seed=seed, report=report)
    )
    without = {tuple(row["case"]): row for row in posterior.about.get("left_out", [])}
    compared = []
    for arm, case in zip(arms, read, strict=True):
        if isinstance(case, NotComparable):
            compared.append(Compared(arm, None, case.reason))
        else:
            compared.append(Compared(arm, next(found), "", without.get(tuple(case_name(case)))))
    return tuple(compared)


def table(compared: Sequence[Compared]) -> list[dict[str, Any]]:
    """Rows for a file: the arm, the figure, the prediction with its intervals, and every note."""
    return [_row(entry) for entry in compared]


def _row(entry: Compared) -> dict[str, Any]:
    arm, found = entry.arm, entry.prediction
    row: dict[str, Any] = {
        "study_id": arm.study_id,
        "arm": arm.arm,
        "drug": arm.drug,
        "concentration_mg_per_mL": _text(arm.concentration_mg_per_mL),
        "interval_weeks": arm.interval_weeks,
        "n_sessions": _text(arm.n_sessions),
        "time_weeks": arm.time_weeks,
        "endpoint": arm.endpoint,
        "threshold": _text(arm.threshold),
        "comparable": found is not None,
        "reason": entry.reason,
        "n_total": found.case.total if found else arm.n_total,
        "unit": found.unit if found else None,
        "published": round(found.published, 3) if found else None,
        "predicted": round(found.predicted, 2) if found else None,
    }
    for level in LEVELS:
        row[f"low_{level}"] = round(found.low[level], 2) if found else None
        row[f"high_{level}"] = round(found.high[level], 2) if found else None
        row[f"inside_{level}"] = found.inside(level) if found else None
    row["expected_low_95"] = round(found.expected_low, 2) if found else None
    row["expected_high_95"] = round(found.expected_high, 2) if found else None
    row["calibrated"] = entry.calibrated if found else None
    row["left_out_predicted"] = round(entry.left_out["predicted"], 2) if entry.left_out else None
    for level in LEVELS:
        row[f"left_out_inside_{level}"] = left_out_inside(entry, level)
    row["notes"] = "; ".join(found.case.notes) if found else arm.note
    return row


def left_out_inside(entry: Compared, level: int) -> bool | None:
    """Whether the figure lies inside the interval of a calibration without its study."""
    if entry.left_out is None:
        return None
    low, high = entry.left_out[f"low_{level}"], entry.left_out[f"high_{level}"]
    return bool(low <= entry.left_out["published"] <= high)


def summary(compared: Sequence[Compared]) -> dict[str, Any]:
    """Count how many figures lie inside: in sample, left out, and never seen.

    Returns
    -------
    dict
        ``rows``, ``comparable``, ``wide`` (arms of at least 40 whose 95 % interval is wider than 60
        points) and, for ``calibrated``, ``left_out`` and ``unseen`` rows, ``n`` and the shares
        ``inside_50``, ``inside_90``, ``inside_95``.
    """
    there = [entry for entry in compared if entry.prediction]
    groups = {
        "calibrated": [entry for entry in there if entry.calibrated],
        "unseen": [entry for entry in there if not entry.calibrated],
    }
    result: dict[str, Any] = {"rows": len(compared), "comparable": len(there)}
    for name, entries in groups.items():
        result[name] = _shares([_inside(entry) for entry in entries])
    result["left_out"] = _shares(
        [{level: left_out_inside(entry, level) for level in LEVELS}
         for entry in groups["calibrated"]]
    )  # fmt: skip
    result["wide"] = sum(_too_wide(entry.prediction) for entry in there if entry.prediction)
    return result


def _inside(entry: Compared) -> dict[int, bool | None]:
    assert entry.prediction is not None
    return {level: entry.prediction.inside(level) for level in LEVELS}


def _shares(rows: Sequence[dict[int, bool | None]]) -> dict[str, Any]:
    count = len(rows)
    inside = {level: sum(bool(row[level]) for row in rows) for level in LEVELS}
    shares = {
        f"inside_{level}": round(number / count, 3) if count else None
        for level, number in inside.items()
    }
    return {"n": count, **shares}


def _too_wide(found: Prediction) -> bool:
    many = (found.case.total or 0) >= _MANY
    return found.unit == "%" and many and found.high[95] - found.low[95] > _WIDE


def _text(span: Any) -> str | None:
    return None if span is None else span.text
