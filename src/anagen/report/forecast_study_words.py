"""Sentences and tables of the page about the forecast: the method, the check and the limits."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from anagen.report.study_aims import is_found, patients_of, visits_of, wilson

if TYPE_CHECKING:
    from anagen.evidence.rows import Quantity
    from anagen.population.posterior import Posterior

_NEVER = "no depot ever absorbed"
_READER = ("reader", "reader_least", "complete")

_WHY = {
    "depot not absorbed in one patch of several":
        "patches of one head may differ in the model as well, and a slow patch among good ones is "
        "within what it allows",
    "depots not absorbed after the first session":
        "one session can be enough to begin regrowth, and people of the model lose it again too",
    "relapse trigger":
        "people of the model whose tolerance comes late lose hair again too",
    "second disease":
        "with few readings it looks like a poor response",
}  # fmt: skip

_UPDATE = """1. **Prior**: the calibrated population at this person's covariates ({covariates}), averaged
   over {draws} draws of its posterior. A covariate that is not recorded counts as in the usual patient. A patch
   that has lasted rules out people who would have lost it by then.
2. **Unknowns**: logarithms of {traits} traits, shared by all patches of the person, and of every patch that is told apart
   how much harder or easier it is than its owner (standard deviation {deviation:g} in units of severity; {origin}).
3. **Readings**: each is a bin of what was read, before it was rounded or graded, with the error of its kind. A
   patient's own report and a photograph count as weaker witnesses; what nobody wrote down is no reading;
   with a chance of {slip:g} a reading is a slip and may be anything.
4. **Adaptive importance sampling**: people are drawn from the prior, followed through all sessions given, and weighed by
   how likely each makes all readings. A Student-t proposal is fitted to those that fit, more are drawn from it,
   and all are weighed together with the mixture that they come from; up to {rounds} rounds, or until {enough:.0f}
   effective people. Without a reading the answer is the population of these covariates.
5. **Check**: each visit is held against what all earlier ones predict; p values of the visits are joined. Below {doubt:g}
   the forecast carries a warning with the least likely reading, below {fail:g} no number is given."""  # noqa: E501


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Make a Markdown table.

    Examples
    --------
    >>> print(table(("a", "b"), [("1", "2")]))
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    lines = ["| " + " | ".join(heading) + " |", "|" + "---|" * len(heading)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


# ---- how it is made ------------------------------------------------------------------------------


def how_made() -> tuple[str, ...]:
    """Tell how a patient is learnt, and with what error each reading is taken."""
    from anagen.forecast.observation_data import observation_number
    from anagen.forecast.prior import DRAWS, forecast_numbers
    from anagen.forecast.update import ENOUGH, ROUNDS
    from anagen.population.effects import load_effects
    from anagen.population.variability import load_traits

    deviation = forecast_numbers()["patch_deviation"]
    text = _UPDATE.format(
        covariates=", ".join(one.covariate.replace("_", " ") for one in load_effects()),
        draws=DRAWS, traits=len(load_traits()), deviation=deviation.value,
        origin=deviation.provenance.origin, slip=observation_number("slip"), rounds=ROUNDS,
        enough=ENOUGH, doubt=_level("check-doubt"), fail=_level("check-fail"),
    )  # fmt: skip
    rows = _errors()
    words = (
        f"Of {len(rows)} numbers {_assumed_count()} are assumed and say so. Shares are of 1; the "
        "range is what could be defended as well. The first three are those of the population "
        "(`population/conditions.toml`), the rest stands in `forecast/observation.toml`."
    )
    heading = ("number", "value", "range", "origin", "source", "what it is")
    return ("## How a patient is learnt", text, "### What is read with what error", words,
            table(heading, rows))  # fmt: skip


def _quantities() -> dict[str, "Quantity"]:
    from anagen.evidence.rows import parse_quantity, read_table
    from anagen.forecast.observation_data import observation_numbers
    from anagen.population.condition_data import FILE

    shared = read_table(FILE)["number"]
    first = {name: parse_quantity(f"{FILE}: {name}", shared[name]) for name in _READER}
    return {**first, **observation_numbers()}


def _errors() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, one in _quantities().items():
        unit = "" if one.unit == "1" else f" {one.unit}"
        ends = "" if one.low == one.high else f"{one.low:g} to {one.high:g}"
        source = one.provenance.source if one.provenance.source != "assumed" else ""
        found.append((f"`{name}`", f"{one.value:g}{unit}", ends, one.provenance.origin, source,
                      one.provenance.locator))  # fmt: skip
    return found


def _assumed_count() -> int:
    return sum(one.provenance.origin == "assumed" for one in _quantities().values())


# ---- whether it notices --------------------------------------------------------------------------


def checked_words(study: Mapping[str, Any]) -> str:
    """Table of the misfit study, and what it means in words that follow the figures."""
    last, row = list(visits_of(study).items())[-1]
    kinds: dict[str, Mapping[str, Any]] = {
        **study["misfit"],
        "none: the model describes them": {
            "patients": patients_of(study), "flagged": row["flagged"],
            "withheld": _withheld(study, last)},
    }  # fmt: skip
    rows = [(name, str(one["patients"]), _share(one),
             f"{100 * one['withheld']:.0f} %" if one["patients"] else "-")
            for name, one in kinds.items()]  # fmt: skip
    found = [name for name, one in study["misfit"].items() if is_found(one)]
    missed = [name for name, one in study["misfit"].items() if name not in found
              and one["patients"]]  # fmt: skip
    intro = (
        "Virtual patients whose biology is changed behind the model's back, after all visits. "
        "*Flagged*: the forecast carries a warning, in brackets what chance leaves (95 %); "
        "*withheld*: no number is given."
    )
    heading = ("what is changed", "patients", "flagged", "withheld")
    parts = [intro, table(heading, rows)]
    if found:
        parts.append(f"Found as often as was aimed at: {', '.join(found)}.")
    parts += [_missed(name, study) for name in missed]
    return "\n\n".join(parts)


def _level(key: str) -> float:
    """P value from which a flag of the check is raised."""
    from anagen.forecast.flag_rows import load_flag_rows

    return load_flag_rows()[key].limit or 0.0


def _withheld(study: Mapping[str, Any], visits: int) -> float:
    mine = [stage["p"] for stage in study["stages"] if stage["visits"] == visits]
    return float(np.mean(np.array(mine) < _level("check-fail")))


def _share(row: Mapping[str, Any]) -> str:
    if not row["patients"]:
        return "-"
    low, high = wilson(row["flagged"], row["patients"])
    return f"{100 * row['flagged']:.0f} % ({100 * low:.0f} to {100 * high:.0f})"


def _missed(name: str, study: Mapping[str, Any]) -> str:
    share = f"{100 * study['misfit'][name]['flagged']:.0f} %"
    if name != _NEVER:
        why = _WHY.get(name, "")
        return f"**Not found as often: {name}** ({share} flagged)" + (f": {why}." if why else ".")
    none, weak, limit = silent_shares(study)
    counts = (
        f"By the last visit {100 * none:.0f} % of well-described patients had under "
        f"{100 * limit[0]:.0f} % regrowth in every patch as well, {100 * weak:.0f} % under "
        f"{100 * limit[1]:.0f} %."
    )
    level = _level("check-doubt")
    if none > level:
        why = (
            f"It cannot be told from a patient who does not respond. {counts} What so many show is "
            f"not improbable (from {level:g} on), so no warning is due"
        )
    else:
        why = f"{counts} So a warning would be due, and the check does not give it; a weakness"
    return (
        f"**Not found: {name}** ({share} flagged). {why}. The forecast follows the readings, "
        "whatever the reason. That a patch does not respond the formal review tells; *why*, this "
        "check cannot."
    )


def silent_shares(study: Mapping[str, Any]) -> tuple[float, float, tuple[float, float]]:
    """Shares of well-described patients without response in any patch at the last visit.

    Returns
    -------
    float, float, (float, float)
        Below the first and the second threshold, both [1], and the thresholds of regrowth [1]:
        what readers call no response, and the upper end of it.
    """
    limit = _no_response()
    last = max(visits_of(study))
    best = np.array([max(stage["carried"]) for stage in study["stages"]
                     if stage["visits"] == last])  # fmt: skip
    return float(np.mean(best < limit[0])), float(np.mean(best < limit[1])), limit


def _no_response() -> tuple[float, float]:
    from anagen.evidence.rows import parse_quantity, read_table
    from anagen.population.condition_data import FILE

    row = parse_quantity(f"{FILE}: no_response", read_table(FILE)["number"]["no_response"])
    return row.value, row.high


# ---- what it is not ------------------------------------------------------------------------------


def limits(study: Mapping[str, Any], posterior: "Posterior") -> str:
    """List what the figures of this page do not show."""
    from anagen.forecast.prior import forecast_numbers

    low, tau, high = np.exp(np.quantile(posterior.draws["tau"], (0.05, 0.5, 0.95)))
    assumed = [f"`{name}` {one.value:g} ({one.low:g} to {one.high:g}): {one.provenance.locator}"
               for name, one in forecast_numbers().items()
               if one.provenance.origin == "assumed"]  # fmt: skip
    count = len(visits_of(study)) * (1 + len(next(iter(visits_of(study).values()))["ranks_p"]))
    lines = [
        "**The truth comes from the model.** This study shows that the arithmetic is right and the "
        "intervals keep their word if patients are as the model has them. It does not show that "
        "they are: no real patient stands behind it.",
        "**Clinics differ beyond the model**: between published studies the odds of response "
        f"differ by a factor of {tau:.2f} for one standard deviation ({low:.2f} to {high:.2f}). "
        "A forecast speaks of the average clinic; readings of the patient make up for some of it.",
        "**Patches are taken as round**, of the area drawn; what a long or ragged shape "
        "changes is left out, and patches that touch are followed each by itself.",
        "**Only what was simulated is shown**: up to three patches of a localized disease, monthly "
        "injections, one clinician reading, 24 weeks. For others see the flags of the forecast.",
        f"**Numbers are small**: {patients_of(study)} patients, 64 ranks in 8 bins, {count} p "
        "values that are not independent, since the same patients are seen again and again.",
        f"**Assumed**: {_assumed_count()} numbers about readings (table above), and "
        f"{'; '.join(assumed)}.",
    ]
    return "\n".join(f"- {line}" for line in lines)
