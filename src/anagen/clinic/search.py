"""Finding people by number or name: an index in memory alone, as names are encrypted at rest."""

import threading
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from heapq import nsmallest

from sqlalchemy import Connection, select

from anagen.clinic import chain
from anagen.clinic.documents import Identity
from anagen.clinic.entries import opened_text
from anagen.clinic.permissions import Actor, require
from anagen.clinic.store import Store, reading
from anagen.clinic.tables import chains, entries

_KINDS = ("person", "identity", "erasure")
# So many new entries are read as they are: asked for their kinds, SQLite goes through everybody.
_FEW = 1000
# What Unicode does not take apart into a letter and its mark.
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i",
     "'": None, "\N{RIGHT SINGLE QUOTATION MARK}": None}
)  # fmt: skip
# Sorts after every letter: the end of all words with a prefix.
_LAST = "\U0010ffff"
# Before a number, so that no name is taken for one.
_NUMBER = "#"


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
class _Known:
    """A person with the words that find it, folded once."""

    found: Found
    order: tuple[str, str]
    words: tuple[str, ...]


@dataclass(frozen=True)
class _State:
    """The index as of one entry of the chain; never changed, only replaced.

    Parameters
    ----------
    seq : of the last entry seen.
    people : by number.
    ranked : people by name; their places in it stand for them below.
    words : all words in order of the alphabet, numbers under a sign.
    places : of the person of each word.
    """

    seq: int = 0
    people: Mapping[str, _Known] = field(default_factory=dict)
    ranked: tuple[Found, ...] = ()
    words: tuple[str, ...] = ()
    places: tuple[int, ...] = ()

    def beginning(self, prefix: str) -> set[int]:
        """Places of the people with a word that begins so."""
        start = bisect_left(self.words, prefix)
        return set(self.places[start : bisect_left(self.words, prefix + _LAST)])


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
        state, terms = self._current(store), name_parts(text)
        if not terms:
            return ()
        numbered = state.beginning(f"{_NUMBER}{folded(text).replace(' ', '')}")
        named = set.intersection(*(state.beginning(term) for term in terms)) - numbered
        by_number = nsmallest(limit, numbered, key=lambda place: state.ranked[place].number)
        found = (*by_number, *nsmallest(limit, named))[:limit]
        return tuple(state.ranked[place] for place in found)

    def named(self, store: Store, actor: Actor, numbers: Iterable[str]) -> dict[str, Found]:
        """Give name and birth date of people by number, as far as they are kept.

        Raises
        ------
        AccessError
            When this one may not read the record.
        """
        require(actor, "record:read")
        people = self._current(store).people
        return {
            number: people[number].found if number in people else Found(number)
            for number in numbers
        }

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
    query = select(entries).where(entries.c.seq > before.seq)
    if end - before.seq > _FEW:
        query = query.where(entries.c.kind.in_(_KINDS))
    last = {}
    for row in connection.execute(query.order_by(entries.c.seq)):
        if row.kind in _KINDS:
            last[row.kind, row.id] = row
    if not last:
        return replace(before, seq=end)
    people = dict(before.people)
    for (kind, key), row in sorted(last.items(), key=lambda item: item[1].seq):
        number = row.person or key
        gone = row.retracted or row.body is None
        if kind == "erasure" or (kind == "person" and gone):
            people.pop(number, None)
            people.pop(key, None)
        elif kind == "person":
            people.setdefault(number, _known(Found(number)))
        elif gone and number in people:
            people[number] = _known(Found(number))
        elif not gone:
            text = opened_text(store, kind, key, row.body) or "{}"
            identity = Identity.model_validate_json(text)
            people[number] = _known(Found(number, identity.name, identity.born))
    return _state(end, people)


def _known(found: Found) -> _Known:
    name = found.name or ""
    words = (f"{_NUMBER}{folded(found.number)}", *name_parts(name))
    return _Known(found, (folded(name), found.number), words)


def _state(seq: int, people: Mapping[str, _Known]) -> _State:
    ranked = sorted(people.values(), key=lambda known: known.order)
    words = sorted((word, at) for at, known in enumerate(ranked) for word in known.words)
    return _State(
        seq, people, tuple(known.found for known in ranked),
        tuple(word for word, _ in words), tuple(place for _, place in words),
    )  # fmt: skip
