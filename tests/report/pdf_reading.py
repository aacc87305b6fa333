"""Reads words, sizes of pages and the title of a PDF that Typst wrote; no general PDF reader."""

import re
import zlib
from dataclasses import dataclass

_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


@dataclass(frozen=True)
class ReadPdf:
    """What a PDF shows.

    Parameters
    ----------
    pages : words of each page, without any space.
    sizes : width and height of each page [pt].
    """

    pages: tuple[str, ...]
    sizes: tuple[tuple[float, float], ...]

    @property
    def text(self) -> str:
        """Words of all pages, without any space."""
        return "".join(self.pages)


def read_pdf(data: bytes) -> ReadPdf:
    """Read the words of every page in their order."""
    assert data.startswith(b"%PDF-")
    assert data.rstrip().endswith(b"%%EOF")
    objects = {int(m[1]): m[2] for m in re.finditer(rb"(\d+) 0 obj(.*?)endobj", data, re.S)}
    pages = [body for body in objects.values() if re.search(rb"/Type ?/Page\b(?!s)", body)]
    order = re.search(rb"/Type ?/Pages.*?/Kids ?\[([^\]]*)\]", data, re.S) or re.search(
        rb"/Kids ?\[([^\]]*)\]", data
    )
    assert order is not None
    kids = [int(number) for number in re.findall(rb"(\d+) 0 R", order[1])]
    inside = [objects[number] for number in kids]
    assert len(inside) == len(pages)
    return ReadPdf(
        tuple(_words(body, objects) for body in inside), tuple(_size(body) for body in inside)
    )


def _size(page: bytes) -> tuple[float, float]:
    found = re.search(rb"/MediaBox ?\[([^\]]*)\]", page)
    assert found is not None
    _, _, width, height = (float(part) for part in found[1].split())
    return width, height


def _stream(body: bytes) -> bytes:
    head, _, rest = body.partition(b"stream\n")
    length = re.search(rb"/Length (\d+)", head)
    assert length is not None
    content = rest[: int(length[1])]
    return zlib.decompress(content) if b"FlateDecode" in head else content


def _reference(body: bytes, name: bytes) -> int:
    found = re.search(rb"/" + name + rb" (\d+) 0 R", body)
    assert found is not None, name
    return int(found[1])


def _words(page: bytes, objects: dict[int, bytes]) -> str:
    resources = page
    if re.search(rb"/Resources (\d+) 0 R", page):
        resources = objects[_reference(page, b"Resources")]
    table = re.search(rb"/Font ?<<(.*?)>>", resources, re.S)
    named = re.findall(rb"/(\w+) (\d+) 0 R", table[1]) if table else []
    fonts = {name: _letters(objects[int(number)], objects) for name, number in named}
    content = _stream(objects[_reference(page, b"Contents")])
    words, letters, spoken = "", {}, False
    pattern = rb"/(\w+) [\d.]+ Tf|(/ActualText ?)?\(((?:[^()\\]|\\.)*)\)|\bEMC\b"
    for found in re.finditer(pattern, content, re.S):
        if found[1] is not None:
            letters = fonts.get(found[1], {})
        elif found[2] is not None:
            words, spoken = words + _text(_unescaped(found[3])), True
        elif found[3] is None:
            spoken = False
        elif not spoken:
            raw = _unescaped(found[3])
            codes = [int.from_bytes(raw[i : i + 2], "big") for i in range(0, len(raw), 2)]
            words += "".join(letters.get(code, "") for code in codes)
    return re.sub(r"[\s\u00ad\u2060]+", "", words)


def _text(raw: bytes) -> str:
    return raw[2:].decode("utf-16-be") if raw.startswith(b"\xfe\xff") else raw.decode("latin-1")


def _unescaped(text: bytes) -> bytes:
    def plain(found: re.Match[bytes]) -> bytes:
        if found[1].isdigit():
            return bytes([int(found[1], 8)])
        return _ESCAPES.get(found[1], found[1])

    return re.sub(rb"\\([0-7]{1,3}|.)", plain, text, flags=re.S)


def _letters(font: bytes, objects: dict[int, bytes]) -> dict[int, str]:
    table = _stream(objects[_reference(font, b"ToUnicode")]).decode("ascii")
    letters: dict[int, str] = {}
    for block in re.findall(r"beginbfchar\n(.*?)endbfchar", table, re.S):
        for code, text in re.findall(r"<([0-9A-F]+)> <([0-9A-F]+)>", block):
            letters[int(code, 16)] = bytes.fromhex(text).decode("utf-16-be")
    for block in re.findall(r"beginbfrange\n(.*?)endbfrange", table, re.S):
        for low, high, text in re.findall(r"<([0-9A-F]+)> <([0-9A-F]+)> <([0-9A-F]+)>", block):
            first = int(text, 16)
            for shift in range(int(high, 16) - int(low, 16) + 1):
                letters[int(low, 16) + shift] = chr(first + shift)
    return letters
