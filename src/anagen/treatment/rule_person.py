"""What rules can measure about a person: response, body, words of the record, what is missing."""

from collections.abc import Iterator

from anagen.treatment.facts import PatchFacts
from anagen.treatment.rule_case import Case
from anagen.treatment.rule_registry import Measured, Query, latest_regrowth, measure

# ---- response ---------------------------------------------------------------------------------


def _regrowths(case: Case, query: Query) -> list[tuple[PatchFacts, float]]:
    pairs = ((patch, latest_regrowth(patch, query)) for patch in case.facts.patches)
    return [(patch, percent) for patch, percent in pairs if percent is not None]


@measure("number", "%")
def regrowth_percent(case: Case, query: Query) -> Iterator[Measured]:
    """Latest regrowth of each patch."""
    for patch, percent in _regrowths(case, query):
        yield Measured(f"patient.patches[{patch.id}]", percent, patch=patch.id)


@measure("number", "%")
def best_regrowth_percent(case: Case, query: Query) -> Iterator[Measured]:
    """Latest regrowth of the patch that did best."""
    if percents := [percent for _, percent in _regrowths(case, query)]:
        yield Measured("patient.patches", max(percents))


@measure("number", "%")
def least_regrowth_percent(case: Case, query: Query) -> Iterator[Measured]:
    """Latest regrowth of the patch that did worst, when all were seen."""
    percents = [percent for _, percent in _regrowths(case, query)]
    if percents and len(percents) == len(case.facts.patches):
        yield Measured("patient.patches", min(percents))


@measure("number", "%")
def salt_improvement_percent(case: Case, query: Query) -> Iterator[Measured]:
    """Fall of SALT relative to the start."""
    facts, weeks = case.facts, case.facts.weeks_since_start
    if weeks is None or weeks < (query.after_weeks or 0):
        return
    if facts.salt_start and facts.salt_now is not None:
        share = 1 - facts.salt_now / facts.salt_start
        yield Measured("patient.salt", _percent(share))


@measure("number", "%")
def salt_rise(case: Case, _: Query) -> Iterator[Measured]:
    """Rise of SALT since the start."""
    facts = case.facts
    if facts.salt_start is not None and facts.salt_now is not None:
        yield Measured("patient.salt", facts.salt_now - facts.salt_start)


@measure("number", "%")
def salt_now(case: Case, _: Query) -> Iterator[Measured]:
    """SALT now."""
    return _number("patient.salt", case.facts.salt_now)


def _percent(share: float) -> float:
    from anagen.units import convert

    return convert(share, "1", "%")


# ---- the person -------------------------------------------------------------------------------


def _number(place: str, value: float | None) -> Iterator[Measured]:
    if value is not None:
        yield Measured(place, float(value))


def _present(place: str, holds: bool | None) -> Iterator[Measured]:
    if holds:
        yield Measured(place)


def _words(case: Case, *fields: str) -> Iterator[Measured]:
    for field in fields:
        for index, entry in enumerate(getattr(case.facts, field) or ()):
            yield Measured(f"patient.{field}[{index}]", found=entry)


@measure("number", "year")
def age_years(case: Case, _: Query) -> Iterator[Measured]:
    """Age."""
    return _number("patient.age", case.facts.age_years)


@measure("number", "day")
def age_days(case: Case, _: Query) -> Iterator[Measured]:
    """Age in days; zero for a person known to be newborn, nothing for one known not to be."""
    from anagen.units import convert

    facts = case.facts
    if facts.is_neonate:
        yield Measured("patient.age", 0.0)
    elif facts.is_neonate is None and facts.age_years is not None:
        yield Measured("patient.age", convert(facts.age_years, "year", "day"))


@measure("number", "kg/m^2")
def body_mass_index(case: Case, _: Query) -> Iterator[Measured]:
    """Weight over height squared."""
    from anagen.units import convert

    facts = case.facts
    if facts.weight_kg is not None and facts.height_cm is not None:
        metres = convert(facts.height_cm, "cm", "m")
        yield Measured("patient.weight", facts.weight_kg / (metres * metres))


@measure("number", "1")
def skin_type(case: Case, _: Query) -> Iterator[Measured]:
    """Fitzpatrick skin type."""
    return _number("patient.skin_type", case.facts.skin_type)


@measure("words")
def allergies(case: Case, _: Query) -> Iterator[Measured]:
    """Allergies."""
    return _words(case, "allergies")


@measure("words")
def conditions(case: Case, _: Query) -> Iterator[Measured]:
    """Conditions."""
    return _words(case, "conditions")


@measure("words")
def medicines(case: Case, _: Query) -> Iterator[Measured]:
    """Medicines."""
    return _words(case, "medicines")


@measure("words")
def signs(case: Case, _: Query) -> Iterator[Measured]:
    """Signs seen or felt now."""
    return _words(case, "signs")


@measure("words")
def conditions_and_medicines(case: Case, _: Query) -> Iterator[Measured]:
    """Conditions and medicines."""
    return _words(case, "conditions", "medicines")


@measure("words")
def conditions_and_signs(case: Case, _: Query) -> Iterator[Measured]:
    """Conditions and signs."""
    return _words(case, "conditions", "signs")


@measure("words")
def aa_scale(case: Case, _: Query) -> Iterator[Measured]:
    """Level on the Alopecia Areata Scale."""
    if case.facts.aa_scale is not None:
        yield Measured("patient.aa_scale", found=case.facts.aa_scale)


@measure()
def pregnant(case: Case, _: Query) -> Iterator[Measured]:
    """Pregnancy."""
    return _present("patient.pregnant", case.facts.pregnant)


@measure()
def breast_feeding(case: Case, _: Query) -> Iterator[Measured]:
    """Breast-feeding."""
    return _present("patient.breast_feeding", case.facts.breast_feeding)


@measure()
def smoker(case: Case, _: Query) -> Iterator[Measured]:
    """Smoking."""
    return _present("patient.smoker", case.facts.smoker)


@measure()
def post_menopausal(case: Case, _: Query) -> Iterator[Measured]:
    """After the menopause."""
    return _present("patient.post_menopausal", case.facts.post_menopausal)


@measure()
def pull_test_positive(case: Case, _: Query) -> Iterator[Measured]:
    """Positive hair pull test."""
    return _present("patient.pull_test", case.facts.pull_test_positive)


# ---- what is missing --------------------------------------------------------------------------


@measure()
def bone_scan_missing(case: Case, _: Query) -> Iterator[Measured]:
    """No bone density scan on record."""
    return _present("patient.bone_density", case.facts.bone_density_on is None)


@measure()
def cortisol_missing(case: Case, _: Query) -> Iterator[Measured]:
    """Steroid given or planned, and no morning cortisol since the last session given."""
    given = [day for day, _ in case.history]
    measured = case.facts.morning_cortisol_on
    stale = measured is None or (bool(given) and measured < max(given))
    return _present("patient.morning_cortisol", stale and bool(given or case.sessions))


@measure()
def age_missing(case: Case, _: Query) -> Iterator[Measured]:
    """Age not recorded."""
    return _present("patient.age", case.facts.age_years is None)


@measure()
def allergies_missing(case: Case, _: Query) -> Iterator[Measured]:
    """Allergies not recorded."""
    return _present("patient.allergies", case.facts.allergies is None)


@measure()
def medicines_missing(case: Case, _: Query) -> Iterator[Measured]:
    """Medicines not recorded."""
    return _present("patient.medicines", case.facts.medicines is None)


@measure()
def conditions_missing(case: Case, _: Query) -> Iterator[Measured]:
    """Conditions not recorded."""
    return _present("patient.conditions", case.facts.conditions is None)


@measure()
def pregnancy_missing(case: Case, _: Query) -> Iterator[Measured]:
    """Pregnancy not recorded, and the person may be a woman."""
    facts = case.facts
    unknown = facts.pregnant is None and facts.sex != "male" and not facts.post_menopausal
    return _present("patient.pregnant", unknown)
