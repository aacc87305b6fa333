"""Lines of the access log as people read them: by request, with names for browsers."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from anagen.clinic.accesses import AccessSeen


@dataclass(frozen=True)
class AccessGroup:
    """Lines of one request.

    Parameters
    ----------
    first : the newest of them; persons : numbers of all of them, each once.
    """

    first: AccessSeen
    persons: tuple[str, ...]


def by_request(lines: Sequence[AccessSeen]) -> tuple[AccessGroup, ...]:
    """Put the lines of one request together, which follow each other."""
    groups = (list(part) for _, part in groupby(lines, key=lambda line: line.request or line.seq))
    return tuple(
        AccessGroup(part[0], tuple(dict.fromkeys(one.person for one in part if one.person)))
        for part in groups
    )


# What a browser calls itself, and what people call it; the first that is found counts.
_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"),
             ("CriOS/", "Chrome"), ("Safari/", "Safari"))  # fmt: skip
_SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
            ("Mac OS X", "Mac"), ("Linux", "Linux"))  # fmt: skip
_LONGEST_AGENT = 60


def browser_words(agent: str) -> str:
    """Name the browser and the system of a sign-in, or what it called itself.

    Examples
    --------
    >>> browser_words("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    'Firefox, Linux'
    """
    found = [
        next((name for mark, name in marks if mark in agent), "")
        for marks in (_BROWSERS, _SYSTEMS)
    ]  # fmt: skip
    return ", ".join(name for name in found if name) or agent[:_LONGEST_AGENT]
