"""Words that pages do not hold themselves: they come from the record, its forms or the evidence."""

from collections.abc import Iterator
from functools import cache
from typing import get_args

# Units that are words; the others are the same everywhere.
_UNITS = ("day", "week", "year")


@cache
def data_words() -> tuple[str, ...]:
    """Give every such word, for the catalogues.

    Names of studies, statements and what the rules say in whole sentences are not among them: they
    are shown as they were published or composed.

    Examples
    --------
    >>> "Start low, step up" in data_words(), "on course" in data_words()
    (True, True)
    """
    found = (*_of_pages(), *_of_the_record(), *_of_the_evidence(), *_of_reviews())
    return tuple(dict.fromkeys(found))


def _of_pages() -> Iterator[str]:
    from anagen.web.console import evidence_tables as tables
    from anagen.web.console.render import NAVIGATION
    from anagen.web.console.treat_forms import REASONS

    yield from (name for _, name, _ in NAVIGATION)
    yield from REASONS
    yield from tables.modules()
    yield from tables.groups()
    yield from (row.origin for row in tables.parameter_rows())


def _of_the_record() -> Iterator[str]:
    from anagen.clinic.documents import (
        KINDS,
        AdverseEvent,
        Appointment,
        Consent,
        PhotographKept,
        PlanKept,
        SessionKept,
    )
    from anagen.patient.record import OtherSteroid, Sex

    yield from get_args(Sex)
    fields = (
        (Appointment, "purpose"), (Appointment, "state"), (Consent, "about"), (Consent, "state"),
        (PlanKept, "state"), (SessionKept, "stage"), (AdverseEvent, "course"),
        (AdverseEvent, "related"), (OtherSteroid, "route"),
    )  # fmt: skip
    for model, name in fields:
        yield from (one.replace("_", " ") for one in _choices(model.model_fields[name].annotation))
    views = _choices(PhotographKept.model_fields["view"].annotation)
    yield from (one.replace("_", "-") for one in views)
    yield from (one.replace("_", " ") for one in KINDS)


def _of_the_evidence() -> Iterator[str]:
    from anagen.evidence.glossary import load_glossary
    from anagen.evidence.products import load_products
    from anagen.evidence.rules import load_profiles
    from anagen.evidence.scales import load_scales
    from anagen.treatment import load_protocols

    for protocol in load_protocols().values():
        yield from (protocol.name, protocol.summary)
    yield from (product.name for product in load_products().values())
    for profile in load_profiles().values():
        yield from (profile.title, profile.jurisdiction, profile.note)
        limits = [rule for rule in profile.rules if rule.kind == "limit"]
        yield from (rule.title for rule in limits)
        yield from (rule.unit for rule in limits if rule.unit in _UNITS)
        yield from (rule.jurisdiction for rule in profile.rules)
    for term in load_glossary().values():
        yield from (term.name, term.definition)
    for scale in load_scales().regrowth.values():
        yield scale.name
        yield from (grade.meaning for grade in scale.grades)


def _of_reviews() -> Iterator[str]:
    from anagen.forecast.choose import Role
    from anagen.forecast.decide import Action, Ground
    from anagen.forecast.review_rows import load_review_rows
    from anagen.report.hair_view import LABELS

    for words in (Role, Action, Ground):
        yield from get_args(words)
    yield from (gate.title for gate in load_review_rows().gates)
    yield from LABELS.values()


def _choices(annotation: object) -> Iterator[str]:
    """Words of a choice, also where it may be left open."""
    for one in get_args(annotation):
        if isinstance(one, str):
            yield one
        else:
            yield from _choices(one)
