"""Checks of the sessions given: patches, products, strengths, vials."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING

from anagen.patient.issues import Issue, error, warning
from anagen.patient.positions import Path
from anagen.patient.quantities import plausible
from anagen.patient.record import Patient
from anagen.patient.vocabulary import nearest
from anagen.treatment.injections import Injection
from anagen.treatment.technique import bounds

if TYPE_CHECKING:
    from anagen.evidence.products import Product


def check_sessions(patient: Patient, today: date) -> Iterator[Issue]:
    """Find everything wrong or odd in the sessions given, the places of injections excepted."""
    first_seen = _first_seen(patient)
    for index, session in enumerate(patient.sessions):
        path: Path = ("sessions", index)
        if not session.injections:
            yield warning(
                (*path, "injections"),
                "at least one injection",
                "none",
                "Remove the session if nothing was given.",
            )
        for number, injection in enumerate(session.injections):
            place: Path = (*path, "injections", number)
            yield from _patch_known((*place, "patch"), injection.patch, session.date, first_seen)
            yield from _product_fits(place, injection.product, injection.strength_mg_per_mL)
            yield from _given(place, injection, session.date)
    for index, summary in enumerate(patient.session_summaries):
        path = ("session_summaries", index)
        yield from _product_fits(path, summary.product, summary.strength_mg_per_mL)
        most = bounds("session.sites").high
        if summary.sites > most:
            remedy = "Check the numbers of sites, or split the summary by day."
            yield error((*path, "patches"), f"at most {most:g} sites", f"{summary.sites}", remedy)
        for number, dose in enumerate(summary.patches):
            place = (*path, "patches", number)
            yield from _patch_known((*place, "patch"), dose.patch, summary.date, first_seen)
            if summary.strength_mg_per_mL:
                volume = dose.dose_mg / summary.strength_mg_per_mL / dose.sites
                yield from _volume_fits(place, volume)


def _first_seen(patient: Patient) -> dict[str, date]:
    first: dict[str, date] = {}
    for visit in patient.visits:
        for seen in visit.patches:
            day = min(seen.first_seen or visit.date, visit.date)
            first[seen.id] = min(day, first.get(seen.id, day))
    return first


def _patch_known(
    path: Path, patch: str | None, day: date, first_seen: dict[str, date]
) -> Iterator[Issue]:
    if patch is None:
        return
    if patch not in first_seen:
        meant = nearest(patch, first_seen, 0.5)
        known = ", ".join(f"'{name}'" for name in first_seen) or "none is recorded"
        yield error(
            path,
            f"the id of a patch seen at some visit ({known})",
            f"'{patch}'",
            f"Did you mean '{meant}'?"
            if meant
            else "Correct the id, or record the patch at a visit.",
        )
    elif first_seen[patch] > day:
        yield warning(
            path,
            f"a session after '{patch}' was first seen on {first_seen[patch]}",
            str(day),
            "Check the days; add first_seen to the patch.",
        )


def _product_fits(path: Path, key: str, strength: float | None) -> Iterator[Issue]:
    from anagen.evidence.products import load_products

    products = load_products()
    product = products.get(key)
    if product is None:
        yield _unknown_product((*path, "product"), key, products.values())
    elif strength is not None and strength > product.strength_mg_per_mL * (1 + 1e-9):
        limit = product.strength_mg_per_mL
        hint = f" Was {strength / 10:g} meant?" if strength / 10 <= limit else ""
        yield error(
            (*path, "strength_mg_per_mL"),
            f"at most the {limit:g} mg/mL of {key} undiluted",
            f"{strength:g} mg/mL",
            f"Check the decimal point and the product.{hint}",
        )


def _unknown_product(path: Path, key: str, products: "Iterable[Product]") -> Issue:
    names = {name: product.key for product in products for name in (product.key, product.name)}
    meant = nearest(key, names, 0.5)
    hint = f"Did you mean '{names[meant]}' ({meant})?" if meant else "Write one of these keys."
    return error(path, f"one of {', '.join(dict.fromkeys(names.values()))}", f"'{key}'", hint)


def _given(path: Path, injection: Injection, day: date) -> Iterator[Issue]:
    if injection.status == "planned":
        yield warning(
            (*path, "status"),
            "'given' or 'skipped' in a record of what was given",
            "'planned'",
            "Write what happened; it counts as given.",
        )
    if injection.expiry is not None and injection.expiry < day:
        yield warning(
            (*path, "expiry"),
            f"a vial that had not expired on {day}",
            str(injection.expiry),
            "Check the expiry date of the vial.",
        )
    if injection.status != "skipped":
        yield from _volume_fits((*path, "volume_mL"), injection.volume_mL)


def _volume_fits(path: Path, volume: float) -> Iterator[Issue]:
    entry = plausible("volume_per_site")
    low, high = entry.possible
    least, most = entry.usual
    if not low <= volume <= high:
        yield error(
            path,
            f"{entry.name} of {entry.words}",
            f"{volume:g} mL",
            "Check dose, strength and number of sites: a decimal point is off.",
        )
    elif not least <= volume <= most:
        yield warning(
            path,
            f"{entry.name} of {least:g} to {most:g} mL",
            f"{volume:.3g} mL",
            "Check the decimal point. It is kept.",
        )
