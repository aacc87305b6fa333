"""A made-up clinic of any size, written in bulk: sealed and whole as if people had typed it."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import insert, update

from anagen.clinic import chain
from anagen.clinic.documents import KINDS
from anagen.clinic.entries import document_text
from anagen.clinic.keys import encrypt
from anagen.clinic.store import Store, lock_chain, now, writing
from anagen.clinic.tables import chains, entries, heads

_ROWS = 5_000
_FIRST_DAY = date(2015, 1, 5)
_BETWEEN = timedelta(days=35)
_NAMES = ("Ada", "Berta", "Clara", "Dora", "Emma", "Frida", "Gerda", "Hanna", "Ida", "Jana")
_SYLLABLES = ("ber", "gen", "hol", "kam", "lin", "mar", "nor", "sten", "tal", "wal")


@dataclass(frozen=True)
class Made:
    """What was made: numbers of the people, and visits of each."""

    numbers: tuple[str, ...]
    visits: int


def patch_at(x: float, y: float, radius: float = 9.0) -> dict[str, Any]:
    """A drawn patch of the top of the head: twelve points [mm]."""
    corners = ((1, 0), (0.87, 0.5), (0.5, 0.87), (0, 1), (-0.5, 0.87), (-0.87, 0.5), (-1, 0),
               (-0.87, -0.5), (-0.5, -0.87), (0, -1), (0.5, -0.87), (0.87, -0.5))  # fmt: skip
    points = [[round(x + radius * a, 1), round(y + radius * b, 1)] for a, b in corners]
    return {"id": "vertex", "activity": "active", "regrowth_percent": 20.0,
            "shape": {"outlines": [{"view": "top", "unit": "mm", "points": points}]}}  # fmt: skip


def visit_on(day: date, chance: random.Random) -> dict[str, Any]:
    """A visit with one drawn patch."""
    patch = patch_at(chance.uniform(70, 90), chance.uniform(100, 130))
    return {"seen": {"date": day.isoformat(), "patches": [patch], "pull_test_hairs": 3,
                     "note": "seen again"}}  # fmt: skip


def name_of(index: int) -> str:
    """Name of one of the people."""
    first, rest = _NAMES[index % 10], index // 10
    last = "".join(_SYLLABLES[(rest // 10**place) % 10] for place in range(3))
    return f"{first} {last.capitalize()}"


def make_clinic(store: Store, people: int, visits: int, seed: int = 20261123) -> Made:
    """Fill an empty record with people who come every five weeks.

    Parameters
    ----------
    store : open store without entries.
    people : how many.
    visits : of each.
    seed : of what is drawn.
    """
    numbers = tuple(f"P{index:05d}" for index in range(people))
    rows = _sealed(store, _documents(numbers, visits, random.Random(seed)))
    with writing(store) as connection:
        lock_chain(connection, chain.ENTRIES)
        last: dict[str, Any] = {}
        while part := [row for _, row in zip(range(_ROWS), rows, strict=False)]:
            last = part[-1]
            connection.execute(insert(entries), part)
            names = ("kind", "id", "version", "seq", "person", "day", "retracted")
            connection.execute(insert(heads), [{n: row[n] for n in names} for row in part])
        end = update(chains).where(chains.c.name == chain.ENTRIES)
        connection.execute(end.values(seq=last["seq"], digest=last["digest"]))
    return Made(numbers, visits)


def _documents(
    numbers: tuple[str, ...], visits: int, chance: random.Random
) -> Iterator[tuple[str, str, str, str | None, str]]:
    """Kind, id, person, day and text of every document; each kind is checked once."""
    texts: dict[str, str] = {}
    for index, number in enumerate(numbers):
        born = _FIRST_DAY - timedelta(days=7000 + 3 * (index % 5000))
        identity = {"name": name_of(index), "born": born.isoformat()}
        parts = [("person", number, {"sex": "female", "weight_kg": 62.0, "skin_type": 3}),
                 ("identity", number, identity)]  # fmt: skip
        days = [_FIRST_DAY + _BETWEEN * at + timedelta(days=index % 28) for at in range(visits)]
        parts += [("visit", f"{index:08x}{at:08x}", visit_on(day, chance))
                  for at, day in enumerate(days)]  # fmt: skip
        for kind, key, data in parts:
            if kind not in texts:
                texts[kind] = document_text(KINDS[kind].model.model_validate(data))
                assert json.loads(texts[kind]).keys() >= data.keys()
            day = data["seen"]["date"] if kind == "visit" else None
            yield kind, key, number, day, json.dumps(data, separators=(",", ":"))


def _sealed(store: Store, documents: Iterator[Any]) -> Iterator[dict[str, Any]]:
    at, digest = now(), chain.FIRST
    for seq, (kind, key, person, day, text) in enumerate(documents, start=1):
        body = text
        if KINDS[kind].sealed:
            body = json.dumps({"sealed": encrypt(store.keys, kind, f"{kind}/{key}", text)})
        row = {"seq": seq, "kind": kind, "id": key, "version": 1, "person": person, "at": at,
               "author": "made", "reason": "", "retracted": False, "day": day,
               "body_digest": chain.text_seal(store.keys, body)}  # fmt: skip
        digest = chain.entry_seal(store.keys, digest, row)
        yield {**row, "body": body, "digest": digest}
