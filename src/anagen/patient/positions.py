"""Where a value stands in the text of a JSON or TOML file that its parser has accepted."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping

Path = tuple[int | str, ...]

_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:,]|[^\s\[\]{}:,"]+')
_TOML_TOKEN = re.compile(
    r'#[^\n]*|"{3}(?:[^\\]|\\.)*?"{3,5}|\'{3}.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\''
    r"|[\[\]{}=,]|\n|[^\s\[\]{}=,#\"']+",
    re.DOTALL,
)
_TOML_KEY = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|\'([^\']*)\'|([A-Za-z0-9_-]+))\s*(?:\.|$)')

Token = tuple[str, int]

_LONGEST_KEY = 60


def json_lines(text: str) -> dict[Path, int]:
    r"""Line of every value in a valid JSON text.

    Parameters
    ----------
    text : what ``json.loads`` has accepted.

    Returns
    -------
    dict
        Line, from 1, by path; the empty path is the document. Of a key given twice the last
        line is kept.

    Examples
    --------
    >>> json_lines('{"visits":\n [7]}')
    {(): 1, ('visits',): 1, ('visits', 0): 2}
    """
    return dict(json_places(text))


def json_places(text: str) -> Iterator[tuple[Path, int]]:
    """Path and line of every value in the order of the text, keys given twice included."""
    line_of = _line_finder(text)
    path: list[int | str] = []
    stack: list[bool] = []
    key_next = False
    yield (), 1
    for match in _JSON_TOKEN.finditer(text):
        token, at = match.group(), match.start()
        if token in "]}":
            path.pop()
            stack.pop()
            key_next = False
        elif token == ",":
            key_next = stack[-1]
            if not stack[-1]:
                path[-1] = int(path[-1]) + 1
        elif token == ":":
            key_next = False
        elif key_next:
            path[-1] = _unescape(token)
            yield tuple(path), line_of(at)
        else:
            if stack and not stack[-1]:
                yield tuple(path), line_of(at)
            if token in "[{":
                stack.append(token == "{")
                path.append("" if token == "{" else 0)
                key_next = token == "{"


def toml_lines(text: str) -> dict[Path, int]:
    r"""Line of every value in a valid TOML text.

    Parameters
    ----------
    text : what ``tomllib.loads`` has accepted.

    Returns
    -------
    dict
        Line, from 1, by path; the empty path is the document.

    Examples
    --------
    >>> toml_lines('id = "P1"\n[[visits]]\ndate = 2025-01-05\n')
    {(): 1, ('id',): 1, ('visits',): 2, ('visits', 0): 2, ('visits', 0, 'date'): 3}
    """
    lines: dict[Path, int] = {(): 1}
    counts: dict[Path, int] = {}
    tokens = _toml_tokens(text)
    table: Path = ()
    index = 0
    while index < len(tokens):
        token, line = tokens[index]
        if token == "\n":
            index += 1
        elif token == "[":
            double = index + 1 < len(tokens) and tokens[index + 1][0] == "["
            index, words = _until(tokens, index + 1 + double, ("]",))
            table = _current(_split_key(words), counts, double)
            _note(lines, table, line)
            index += 1 + double
        else:
            index, words = _until(tokens, index, ("=",))
            path = (*table, *_split_key(words))
            _note(lines, path, line)
            index = _toml_value(tokens, index + 1, path, lines)
    return lines


def _toml_tokens(text: str) -> list[Token]:
    line_of = _line_finder(text)
    found = ((match.group(), line_of(match.start())) for match in _TOML_TOKEN.finditer(text))
    return [(token, line) for token, line in found if not token.startswith("#")]


def _current(key: Path, counts: dict[Path, int], double: bool) -> Path:
    """Path of a header with the index of the newest element of each array of tables in it."""
    path: Path = ()
    for depth, part in enumerate(key, start=1):
        path = (*path, part)
        if double and depth == len(key):
            counts[path] = counts.get(path, -1) + 1
            for inner in [other for other in counts if other[: len(path) + 1] == (*path, 0)]:
                counts.pop(inner, None)
        if path in counts:
            path = (*path, counts[path])
    return path


def _toml_value(tokens: list[Token], index: int, path: Path, lines: dict[Path, int]) -> int:
    """Note the values from one on and return the index after it."""
    if index >= len(tokens) or tokens[index][0] not in "[{":
        while index < len(tokens) and tokens[index][0] not in ("\n", ",", "]", "}"):
            index += 1
        return index
    closing = "]" if tokens[index][0] == "[" else "}"
    index, count = index + 1, 0
    while index < len(tokens) and tokens[index][0] != closing:
        token, line = tokens[index]
        if token in ("\n", ","):
            index += 1
        elif closing == "]":
            _note(lines, (*path, count), line)
            index = _toml_value(tokens, index, (*path, count), lines)
            count += 1
        else:
            index, words = _until(tokens, index, ("=",))
            inner = (*path, *_split_key(words))
            _note(lines, inner, line)
            index = _toml_value(tokens, index + 1, inner, lines)
    return index + 1


def _until(tokens: list[Token], index: int, ends: tuple[str, ...]) -> tuple[int, str]:
    words = []
    while index < len(tokens) and tokens[index][0] not in ends:
        words.append(tokens[index][0])
        index += 1
    return index, "".join(words)


def _split_key(words: str) -> Path:
    parts, at = [], 0
    while match := _TOML_KEY.match(words, at):
        basic, literal, bare = match.groups()
        parts.append(next(part for part in (basic, literal, bare) if part is not None))
        at = match.end()
        if at >= len(words):
            break
    return tuple(parts)


def _note(lines: dict[Path, int], path: Path, line: int) -> None:
    for depth in range(1, len(path) + 1):
        lines.setdefault(path[:depth], line)


def _line_finder(text: str) -> Callable[[int], int]:
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    return lambda at: bisect_right(starts, at)


def _unescape(token: str) -> str:
    import json

    return str(json.loads(token))


def nearest_line(lines: Mapping[Path, int], path: Path) -> int:
    """Line of a path, or of the nearest thing around it that stands in the text."""
    for depth in range(len(path), 0, -1):
        if path[:depth] in lines:
            return lines[path[:depth]]
    return lines.get((), 1)


def words(path: Path) -> str:
    """Path as people write it.

    Examples
    --------
    >>> words(("visits", 1, "patches", 0))
    'visits[1].patches[0]'
    """
    text = ""
    for part in path:
        if isinstance(part, str) and part.isidentifier() and len(part) <= _LONGEST_KEY:
            text += f".{part}" if text else part
        else:
            text += f"[{ascii(part)[:_LONGEST_KEY]}]"
    return text
