"""Finding people by number or name: an index in memory alone, as names are encrypted at rest."""

import threading
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import Connection, select

from anagen.clinic import chain
from anagen.clinic.documents import Identity
from anagen.clinic.entries import opened_text
from anagen.clinic.permissions import Actor, require
from anagen.clinic.store import Store, reading
from anagen.clinic.tables import chains, entries

_KINDS = ("person", "identity", "erasure")
# What Unicode does not take apart into a letter and its mark.
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i",
     "'": None, "\N{RIGHT SINGLE QUOTATION MARK}": None}
)  # fmt: skip
# Sorts after every letter: the end of all words with a prefix.
_LAST = "\U0010ffff"


@dataclass(frozen=True)
class Found:
    """A person found.

    Parameters
    ----------
    number : of the person.
    name, born : from the identity; None where none is kept.
    """

    number: str
    name: str | None = None
    born: date | None = None


@dataclass(frozen=True)
class _State:
    """The index as of one entry of the chain; never changed, only replaced."""

    seq: int = 0
    people: Mapping[str, Found] = field(default_factory=dict)
    words: tuple[tuple[str, str], ...] = ()


class NameIndex:
    """People by number and name, kept current by reading what was written since the last search.

    It never touches a disk. Names are compared without accents and case, by the beginnings of
    their parts, in any order. It may be shared between threads.

    Examples
    --------
    >>> NameIndex()
    NameIndex()
    """

    def __init__(self) -> None:
        self._state = _State()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        """Show nothing of what is in it."""
        return "NameIndex()"

    def search(self, store: Store, actor: Actor, text: str, limit: int = 20) -> tuple[Found, ...]:
        """Find people whose number begins with a text, or whose name has parts that begin so.

        Parameters
        ----------
        store : open store, the same at every call.
        actor : who asks.
        text : beginning of a number, or beginnings of parts of a name in any order.
        limit : how many at most.

        Returns
        -------
        tuple of Found
            Numbers first, then by name; empty for an empty text.

        Raises
        ------
        AccessError
            When this one may not read the record.
        """
        require(actor, "record:read")
        state = self._current(store)
        numbers = sorted(_with_prefix(state.words, f"#{folded(text).replace(' ', '')}"))
        terms = name_parts(text)
        if not terms:
            return ()
        named = set.intersection(*(_with_prefix(state.words, term) for term in terms))
        by_name = sorted(named.difference(numbers), key=lambda n: _order(state.people[n]))
        return tuple(state.people[number] for number in (*numbers, *by_name)[:limit])

    def _current(self, store: Store) -> _State:
        with self._lock:
            with reading(store) as connection:
                end = connection.execute(
                    select(chains.c.seq).where(chains.c.name == chain.ENTRIES)
                ).scalar_one()
                # A record that was brought back from a copy begins anew.
                before = self._state if self._state.seq <= end else _State()
                if before.seq < end:
                    self._state = _brought_on(store, connection, before, int(end))
            return self._state


def folded(text: str) -> str:
    """Text without accents and case, for comparing.

    Examples
    --------
    >>> folded("Zoë Łuczak"), folded("STRASSE") == folded("Straße")
    ('zoe luczak', True)
    """
    apart = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(mark for mark in apart if not unicodedata.combining(mark))
    return bare.translate(_LETTERS)


def name_parts(text: str) -> tuple[str, ...]:
    """Parts of a name as they are compared.

    Examples
    --------
    >>> name_parts("O'Brien-Müller, Anna")
    ('obrien', 'muller', 'anna')
    """
    return tuple("".join(c if c.isalnum() else " " for c in folded(text)).split())


def _brought_on(store: Store, connection: Connection, before: _State, end: int) -> _State:
    """Index with what was written after an entry of the chain."""
    query = select(entries).where(entries.c.seq > before.seq, entries.c.kind.in_(_KINDS))
    last = {}
    for row in connection.execute(query.order_by(entries.c.seq)):
        last[row.kind, row.id] = row
    if not last:
        return _State(end, before.people, before.words)
    people = dict(before.people)
    for (kind, key), row in sorted(last.items(), key=lambda item: item[1].seq):
        number = row.person or key
        if kind == "erasure" or (kind == "person" and (row.retracted or row.body is None)):
            people.pop(number, None)
            people.pop(key, None)
        elif kind == "person":
            people.setdefault(number, Found(number))
        elif row.retracted or row.body is None:
            if number in people:
                people[number] = Found(number)
        else:
            text = opened_text(store, kind, key, row.body) or "{}"
            identity = Identity.model_validate_json(text)
            people[number] = Found(number, identity.name, identity.born)
    return _State(end, people, tuple(sorted(_words(people.values()))))


def _words(people: Iterable[Found]) -> Iterator[tuple[str, str]]:
    """Words by which people are found, each with the number; numbers stand under a sign."""
    for found in people:
        yield f"#{folded(found.number)}", found.number
        for part in name_parts(found.name or ""):
            yield part, found.number


def _with_prefix(words: tuple[tuple[str, str], ...], prefix: str) -> set[str]:
    start = bisect_left(words, (prefix,))
    end = bisect_left(words, (prefix + _LAST,))
    return {number for _, number in words[start:end]}


def _order(found: Found) -> tuple[str, str]:
    return folded(found.name or ""), found.number
