"""Clinical photographs: taken in without what is not the picture, kept under their own hash.

A photograph is a JPEG, PNG or WebP by its content. What is not needed to show it (place, time,
device, names, comments, embedded previews, anything behind its end) is cut out of the file
without touching a pixel; of the EXIF block only the orientation stays. Files only, no database.
"""

import errno
import os
import re
import secrets
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256 as _sha256
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from anagen.errors import InputError, Problem, StoreError

if TYPE_CHECKING:
    from PIL import Image

# Technical limits. A 60-megapixel picture decodes to 180 MB; cameras of clinics make 12 to 50.
_MAX_BYTES = 25_000_000
_MAX_PIXELS = 60_000_000
_MAX_PROFILE_BYTES = 1 << 20  # colour profiles of cameras and screens are below 10 kB
_MAX_PARTS = 100_000  # a PNG of 25 MB in usual parts of 8 kB has 3 000
_MAX_SCANS = 64  # progressive JPEGs have about 10; thousands would cost minutes of decoding
_MAX_THUMBNAIL = 4096  # pixels
_THUMBNAIL_QUALITY = 85  # JPEG: no visible artefacts at a tenth of the bytes
_FOLDER_MODE, _FILE_MODE = 0o700, 0o600


@dataclass(frozen=True)
class Limits:
    """How large a photograph may be.

    Parameters
    ----------
    bytes : size of the file as sent [bytes].
    pixels : width times height.
    """

    bytes: int = _MAX_BYTES
    pixels: int = _MAX_PIXELS


LIMITS = Limits()


@dataclass(frozen=True)
class Photograph:
    """A photograph as it is kept.

    Parameters
    ----------
    sha256 : hash of the content, 64 lowercase hexadecimal digits.
    media_type : ``image/jpeg``, ``image/png`` or ``image/webp``.
    width, height : size as shown, with the orientation applied [pixel].
    content : the file without metadata.
    """

    sha256: str
    media_type: str
    width: int
    height: int
    content: bytes = field(repr=False)


class _Picture(NamedTuple):
    """What a file holds once it is clean; width and height as stored."""

    media_type: str
    width: int
    height: int
    orientation: int
    content: bytes


class _DamagedError(Exception):
    """The bytes do not follow their own format."""


def take_in(raw: bytes, *, limits: Limits = LIMITS) -> Photograph:
    """Check a photograph and cut everything out of it that is not the picture.

    The pixels decode to the same values as before; taking in the result again changes nothing.

    Parameters
    ----------
    raw : the file as sent.
    limits : how large it may be.

    Raises
    ------
    InputError
        When it is empty, too large, of another type, animated or damaged.

    Examples
    --------
    >>> from io import BytesIO
    >>> from PIL import Image
    >>> file = BytesIO()
    >>> Image.new("RGB", (4, 3)).save(file, "JPEG", comment="taken at home")
    >>> photograph = take_in(file.getvalue())
    >>> photograph.media_type, photograph.width, b"home" in photograph.content
    ('image/jpeg', 4, False)
    """
    picture = _clean(bytes(raw), limits)
    with _decoding():
        image = _opened(picture)
        if image.size != (picture.width, picture.height):
            raise _DamagedError("two different sizes in one file")
        image.load()
    width, height = picture.width, picture.height
    if picture.orientation >= 5:  # 5 to 8 lie on their side
        width, height = height, width
    digest = _sha256(picture.content).hexdigest()
    return Photograph(digest, picture.media_type, width, height, picture.content)


def thumbnail(content: bytes, size: int) -> bytes:
    """Small JPEG in sRGB for lists: upright, without metadata, never enlarged.

    Parameters
    ----------
    content : a photograph that was taken in.
    size : longest side, 1 to 4096 [pixel].

    Raises
    ------
    InputError
        When the content is not a photograph or the size is out of range.
    """
    from PIL import Image, ImageOps

    if not 1 <= size <= _MAX_THUMBNAIL:
        raise _refusal(f"a longest side of 1 to {_MAX_THUMBNAIL} pixels", f"{size}",
                       "Ask for another size.", place="thumbnail")  # fmt: skip
    picture = _clean(content, LIMITS)
    with _decoding():
        image: Image.Image = _opened(picture)
        profile = image.info.get("icc_profile")
        if image.mode.startswith("I"):  # 16-bit grey would be cut off at 255, not scaled
            image = image.point(lambda value: value * (1 / 256)).convert("L")
        elif image.mode in ("1", "P") or "transparency" in image.info:
            image = image.convert("RGBA" if image.has_transparency_data else "RGB")
        image.thumbnail((size, size), reducing_gap=2.0)
        image = ImageOps.exif_transpose(image)
        if image.has_transparency_data:
            white = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
        image = _in_srgb(image, profile).convert("RGB")
        image.info.clear()
        file = BytesIO()
        image.save(file, "JPEG", quality=_THUMBNAIL_QUALITY)
    return file.getvalue()


def _in_srgb(image: "Image.Image", profile: bytes | None) -> "Image.Image":
    """Redness must look the same in the list as in the photograph, which has its profile."""
    if not profile:
        return image
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, target, outputMode="RGB") or image
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image  # a profile that does not fit its picture is what viewers ignore, too


# ------------------------------------------------------------------ recognising and refusing


def _refusal(expected: str, found: str, remedy: str, place: str = "photograph") -> InputError:
    return InputError(Problem(place, expected, found, remedy))


def _kind(raw: bytes) -> str:
    """Media type by content; empty when it is none of the three."""
    if raw.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if raw.startswith(_PNG_START):
        return "image/png"
    return "image/webp" if raw[:4] == b"RIFF" and raw[8:12] == b"WEBP" else ""


def _other_kind(raw: bytes) -> str:
    """Name of what came instead, for the message."""
    for start, name in _OTHER_KINDS:
        if raw.startswith(start):
            return name
    if raw[4:8] == b"ftyp":
        return "an AVIF picture" if raw[8:12] in (b"avif", b"avis") else "a HEIC picture or a video"
    text = raw[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<svg", b"<?xml")):
        return "an SVG or XML text"
    return "a web page" if text.startswith((b"<!doctype", b"<html")) else "something else"


_OTHER_KINDS = (
    (b"GIF8", "a GIF picture"),
    (b"II*\0", "a TIFF or camera raw picture"),
    (b"MM\0*", "a TIFF or camera raw picture"),
    (b"BM", "a BMP picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or office document"),
)


def _clean(raw: bytes, limits: Limits) -> _Picture:
    """Walk through the file, keep what makes the picture, and check its size unopened."""
    problems = []
    media_type = _kind(raw)
    if not raw:
        raise _refusal("a picture", "an empty file", "Send the photograph again.")
    if len(raw) > limits.bytes:
        problems.append(
            Problem("photograph", f"at most {limits.bytes / 1e6:g} MB", f"{len(raw) / 1e6:.1f} MB",
                    "Save it smaller or with stronger compression.")
        )  # fmt: skip
    if not media_type:
        problems.append(
            Problem("photograph", "a JPEG, PNG or WebP picture", _other_kind(raw),
                    "Save it as JPEG; on an iPhone choose Camera, Formats, Most Compatible.")
        )  # fmt: skip
    if problems:
        raise InputError(problems)
    try:
        picture = _WALKS[media_type](raw)
    except _DamagedError as error:
        raise _damaged(str(error)) from None
    pixels = picture.width * picture.height
    if not pixels:
        raise _damaged("a picture without width or height")
    if pixels > limits.pixels:
        raise _refusal(f"at most {limits.pixels / 1e6:g} megapixels",
                       f"{picture.width} x {picture.height} pixels",
                       "Save it at a smaller size.")  # fmt: skip
    return picture


def _damaged(found: str) -> InputError:
    return _refusal("a whole picture", found,
                    "Send the original file again; if it does not open elsewhere either, "
                    "take another photograph.")  # fmt: skip


@contextmanager
def _decoding() -> Iterator[None]:
    """Turn whatever Pillow meets in damaged data into one refusal."""
    try:
        yield
    except (MemoryError, InputError):
        raise
    except _DamagedError as error:
        raise _damaged(str(error)) from None
    except Exception:
        # Pillow's readers let many kinds through: OSError, SyntaxError, ValueError, struct.error.
        raise _damaged("data that cannot be decoded") from None


def _opened(picture: _Picture) -> "Image.Image":
    """Open with the one reader that fits: never by guess, and without warnings of bombs."""
    from PIL import JpegImagePlugin, PngImagePlugin, WebPImagePlugin

    readers: dict[str, Callable[[BytesIO], Image.Image]] = {
        "image/jpeg": JpegImagePlugin.JpegImageFile,
        "image/png": PngImagePlugin.PngImageFile,
        "image/webp": WebPImagePlugin.WebPImageFile,
    }
    return readers[picture.media_type](BytesIO(picture.content))


# ------------------------------------------------------------------ what stays of the metadata


_EXIF_START = b"Exif\0\0"


def _orientation(exif: bytes) -> int:
    """Orientation 1 to 8 out of an EXIF block (TIFF 6.0, tag 274); 1 when there is none."""
    tiff = exif.removeprefix(_EXIF_START)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 10:
        return 1
    first: int = struct.unpack_from(order + "I", tiff, 4)[0]
    entries = struct.unpack_from(order + "H", tiff, first)[0] if first + 2 <= len(tiff) else 0
    for at in range(first + 2, min(first + 2 + 12 * entries, len(tiff) - 11), 12):
        tag, kind, count, value = struct.unpack_from(order + "HHIH", tiff, at)
        if (tag, kind, count) == (274, 3, 1):
            return value if 1 <= value <= 8 else 1
    return 1


def _exif(orientation: int) -> bytes:
    """TIFF block that holds the orientation and nothing else."""
    return struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, 274, 3, 1, orientation, 0, 0)


def _profile(data: bytes) -> bytes:
    """Cut a colour profile at its declared end; empty when it is none or implausibly large."""
    size = int.from_bytes(data[:4])
    plausible = 128 < size <= min(len(data), _MAX_PROFILE_BYTES) and data[36:40] == b"acsp"
    return data[:size] if plausible else b""


# ------------------------------------------------------------------ JPEG (ITU-T T.81)


_SOI, _EOI, _SOS, _DNL, _JPG = 0xD8, 0xD9, 0xDA, 0xDC, 0xC8
_APP0, _APP1, _APP2, _APP14 = 0xE0, 0xE1, 0xE2, 0xEE
_TABLES = {0xC4, 0xCC, 0xDB, 0xDD, _DNL}  # Huffman, arithmetic, quantisation, restart, lines
_FRAMES = set(range(0xC0, 0xD0)) - _TABLES - {_JPG}
_ALONE = {0x01, *range(0xD0, 0xD8)}
_MARKER = re.compile(rb"\xff+([^\xff\x00])", re.DOTALL)
_SCAN_END = re.compile(rb"\xff[^\xff\x00\xd0-\xd7]", re.DOTALL)
_ICC_START = b"ICC_PROFILE\0"
_ICC_PART = 65_519  # what fits into a segment beside its header


def _segments(raw: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Marker, body and, for a scan, the coded data of every segment up to the end marker."""
    at = 2
    for _ in range(_MAX_PARTS):
        found = _MARKER.match(raw, at)
        if found is None:
            raise _DamagedError("a JPEG that breaks off" if at + 2 > len(raw) else _JPEG_BROKEN)
        marker, at = found[1][0], found.end()
        if marker == _EOI:
            return
        if marker in _ALONE:
            continue
        size = int.from_bytes(raw[at : at + 2])
        if size < 2 or marker == _SOI:
            raise _DamagedError(_JPEG_BROKEN)
        body, at = raw[at + 2 : at + size], at + size
        scan = b""
        if marker == _SOS:
            end = _SCAN_END.search(raw, at)
            if end is None:
                raise _DamagedError("a JPEG that breaks off")
            scan, at = raw[at : end.start()], end.start()
        yield marker, body, scan
    raise _DamagedError("a JPEG of too many parts")


_JPEG_BROKEN = "a JPEG with a broken segment"


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _walk_jpeg(raw: bytes) -> _Picture:
    """Keep tables, frame and scans, the JFIF and Adobe marks, profile and orientation."""
    marks: dict[int, bytes] = {}
    exif, icc, kept, frames, scans = b"", [], [], [], 0
    for marker, body, scan in _segments(raw):
        if marker in _TABLES or marker in _FRAMES or marker == _SOS:
            kept += [_segment(marker, body), scan]
            frames += [body] if marker in _FRAMES else []
            scans += marker == _SOS
        elif scans:
            continue  # what says how to read the picture stands before its first scan
        elif marker == _APP0 and body.startswith(b"JFIF\0") and len(body) >= 14:
            marks[marker] = body[:12] + b"\0\0"  # without the preview
        elif marker == _APP14 and body.startswith(b"Adobe") and len(body) >= 12:
            marks[marker] = body[:12]
        elif marker == _APP1 and body.startswith(_EXIF_START):
            exif = exif or body
        elif marker == _APP2 and body.startswith(_ICC_START) and len(body) >= 14:
            icc.append(body)
    if len(frames) != 1 or len(frames[0]) < 6 or not scans:
        raise _DamagedError("a JPEG without a picture")
    if scans > _MAX_SCANS:
        raise _DamagedError(f"a JPEG of {scans} scans")
    orientation = _orientation(exif)
    head = [_segment(marker, body) for marker, body in sorted(marks.items())]
    if orientation != 1:
        head.insert(_APP0 in marks, _segment(_APP1, _EXIF_START + _exif(orientation)))
    height, width = struct.unpack_from(">HH", frames[0], 1)
    content = b"".join([b"\xff\xd8", *head, *_icc_segments(icc), *kept, b"\xff\xd9"])
    return _Picture("image/jpeg", width, height, orientation, content)


def _icc_segments(parts: list[bytes]) -> list[bytes]:
    """Put the numbered parts of a profile in order; none when one is missing."""
    start = len(_ICC_START)
    parts = sorted(parts, key=lambda part: part[start])
    if [(part[start], part[start + 1]) for part in parts] != [
        (number, len(parts)) for number in range(1, len(parts) + 1)
    ]:
        return []
    profile = _profile(b"".join(part[start + 2 :] for part in parts))
    pieces = [profile[at : at + _ICC_PART] for at in range(0, len(profile), _ICC_PART)]
    return [
        _segment(_APP2, _ICC_START + bytes([number, len(pieces)]) + piece)
        for number, piece in enumerate(pieces, start=1)
    ]


# ------------------------------------------------------------------ PNG (W3C, third edition)


_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_CRITICAL = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
# What tells how to show the pixels, with the most bytes that each may have.
_PNG_KEPT = {b"tRNS": 256, b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"pHYs": 9, b"sBIT": 4, b"bKGD": 6}


def _png_chunks(raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and data of every chunk up to the end chunk, each with its check sum proved."""
    at = len(_PNG_START)
    for _ in range(_MAX_PARTS):
        if at + 12 > len(raw):
            raise _DamagedError("a PNG that breaks off")
        size, kind = struct.unpack_from(">I4s", raw, at)
        end = at + 8 + size
        if end + 4 > len(raw):
            raise _DamagedError("a PNG that breaks off")
        if zlib.crc32(raw[at + 4 : end]) != int.from_bytes(raw[end : end + 4]):
            raise _DamagedError("a PNG with a wrong check sum")
        yield kind, raw[at + 8 : end]
        if kind == b"IEND":
            return
        at = end + 4
    raise _DamagedError("a PNG of too many parts")


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _walk_png(raw: bytes) -> _Picture:
    """Keep the critical chunks and those that tell how to show the pixels."""
    before: list[tuple[bytes, bytes]] = []
    pixels: list[tuple[bytes, bytes]] = []
    exif, last = b"", b""
    for kind, data in _png_chunks(raw):
        if kind in (b"acTL", b"fcTL", b"fdAT"):
            raise _animated()
        if (not last) != (kind == b"IHDR") or not (kind[0] & 32 or kind in _PNG_CRITICAL):
            raise _DamagedError("a PNG with a part that is unknown or in the wrong place")
        if kind == b"IDAT":
            if pixels and last != kind:
                raise _DamagedError("a PNG with torn picture data")
            pixels.append((kind, data))
        elif kind == b"eXIf":
            exif = exif or data
        elif not pixels and kind != b"IEND":
            before += _png_kept(kind, data)
        elif kind == b"PLTE":
            raise _DamagedError("a PNG with its colours behind the picture")
        last = kind
    kinds = [kind for kind, _ in before]
    if len(set(kinds)) != len(kinds) or len(before[0][1]) != 13 or not pixels:
        raise _DamagedError("a PNG with a part missing or twice")
    orientation = _orientation(exif)
    if orientation != 1:
        before.append((b"eXIf", _exif(orientation)))
    width, height = struct.unpack_from(">II", before[0][1])
    chunks = [_png_chunk(*chunk) for chunk in (*before, *pixels, (b"IEND", b""))]
    return _Picture("image/png", width, height, orientation, b"".join([_PNG_START, *chunks]))


def _png_kept(kind: bytes, data: bytes) -> list[tuple[bytes, bytes]]:
    """Return the chunk as it stays, or nothing."""
    if kind == b"iCCP":
        packed = data.partition(b"\0")[2][1:]
        unpacking = zlib.decompressobj()
        try:
            profile = unpacking.decompress(packed, _MAX_PROFILE_BYTES + 1)
        except zlib.error:
            return []
        if not unpacking.eof or not profile or _profile(profile) != profile:
            return []
        return [(kind, b"ICC\0\0" + packed[: len(packed) - len(unpacking.unused_data)])]
    if len(data) > _PNG_KEPT.get(kind, len(data)):
        raise _DamagedError("a PNG with a part of the wrong size")
    return [(kind, data)] if kind in _PNG_KEPT or kind in _PNG_CRITICAL else []


# ------------------------------------------------------------------ WebP (RFC 9649)


_WEBP_PROFILE, _WEBP_ALPHA, _WEBP_EXIF, _WEBP_ANIMATION = 0x20, 0x10, 0x08, 0x02


def _webp_chunks(raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and data of every chunk inside the declared size."""
    end = 8 + int.from_bytes(raw[4:8], "little")
    if end > len(raw):
        raise _DamagedError("a WebP that breaks off")
    at = 12
    for _ in range(_MAX_PARTS):
        if at + 8 > end:
            return
        kind, size = struct.unpack_from("<4sI", raw, at)
        if at + 8 + size > end:
            raise _DamagedError("a WebP that breaks off")
        yield kind, raw[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    raise _DamagedError("a WebP of too many parts")


def _walk_webp(raw: bytes) -> _Picture:
    """Keep the picture with its alpha plane, profile and orientation."""
    chunks: dict[bytes, bytes] = {}
    for kind, data in _webp_chunks(raw):
        if kind in (b"ANIM", b"ANMF"):
            raise _animated()
        chunks.setdefault(kind, data)
    if (b"VP8 " in chunks) == (b"VP8L" in chunks):
        raise _DamagedError("a WebP without a picture, or with two")
    width, height = _webp_size(chunks)
    head = chunks.get(b"VP8X", b"")
    orientation = 1
    if head:
        if len(head) != 10 or head[0] & _WEBP_ANIMATION:
            raise _animated() if len(head) == 10 else _DamagedError("a WebP with a broken head")
        orientation = _orientation(chunks.get(b"EXIF", b""))
        profile = _profile(chunks.get(b"ICCP", b""))
        canvas = [int.from_bytes(head[at : at + 3], "little") + 1 for at in (4, 7)]
        if canvas != [width, height]:
            raise _DamagedError("a WebP with two different sizes")
        flags = head[0] & _WEBP_ALPHA
        flags |= _WEBP_PROFILE * bool(profile) | _WEBP_EXIF * (orientation != 1)
        chunks[b"VP8X"] = bytes([flags, 0, 0, 0]) + head[4:]
        chunks[b"ICCP"] = profile
        chunks[b"EXIF"] = _exif(orientation) if orientation != 1 else b""
    order = (b"VP8X", b"ICCP", b"ALPH", b"VP8 ", b"VP8L", b"EXIF") if head else (b"VP8 ", b"VP8L")
    parts = [_webp_chunk(kind, chunks[kind]) for kind in order if chunks.get(kind)]
    content = _webp_chunk(b"RIFF", b"".join([b"WEBP", *parts]))
    return _Picture("image/webp", width, height, orientation, content)


def _webp_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack("<4sI", kind, len(data)) + data + b"\0" * (len(data) % 2)


def _webp_size(chunks: dict[bytes, bytes]) -> tuple[int, int]:
    """Width and height out of the picture itself, lossy or lossless."""
    lossy, lossless = chunks.get(b"VP8 ", b""), chunks.get(b"VP8L", b"")
    if lossy[3:6] == b"\x9d\x01\x2a" and len(lossy) >= 10:
        width, height = struct.unpack_from("<HH", lossy, 6)
        return width & 0x3FFF, height & 0x3FFF
    if lossless[:1] == b"\x2f" and len(lossless) >= 5:
        bits = int.from_bytes(lossless[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    raise _DamagedError("a WebP with a broken picture")


def _animated() -> InputError:
    return _refusal("a still picture", "an animated one", "Send one frame of it as JPEG or PNG.")


_WALKS: dict[str, Callable[[bytes], _Picture]] = {
    "image/jpeg": _walk_jpeg,
    "image/png": _walk_png,
    "image/webp": _walk_webp,
}


# ------------------------------------------------------------------ the store


@dataclass(frozen=True)
class PhotographStore:
    """Folder of photographs, each in a file named by its hash, such as ``ab/abcd...``.

    Parameters
    ----------
    folder : where they lie; made when the first one is kept.
    """

    folder: Path


_HASH = re.compile(r"[0-9a-f]{64}")
_TROUBLES = {
    errno.ENOSPC: "a full disk", errno.EDQUOT: "a full disk quota",
    errno.EFBIG: "a limit on the size of files", errno.EROFS: "a disk that is read-only",
    errno.EACCES: "a folder without permission", errno.EPERM: "a folder without permission",
}  # fmt: skip
_REMEDIES = {
    errno.ENOSPC: "Make room on the disk", errno.EDQUOT: "Make room, or have the quota raised",
    errno.EFBIG: "Have the limit raised", errno.EROFS: "Mount it for writing",
    errno.EACCES: "Mend its permissions", errno.EPERM: "Mend its permissions",
}  # fmt: skip


def keep(store: PhotographStore, photograph: Photograph) -> Path:
    """Write a photograph in full and durably; one that is there already is left as it is.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    StoreError
        When it cannot be written (nothing is left of it then), or the file that is there under
        its hash has been changed.
    """
    path = _path(store, photograph.sha256)
    if _sha256(photograph.content).hexdigest() != photograph.sha256:
        raise _changed(path, "do not keep it; take in the original again")
    with _storing(store, "a folder that photographs can be written to"):
        for folder in (store.folder, path.parent):
            if not folder.is_dir():
                folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
                _settle(folder.parent)
        if not path.exists():
            _write(path, photograph.content)
        elif _sha256(path.read_bytes()).hexdigest() != photograph.sha256:
            raise _changed(path, "bring it back from a backup, or delete it and keep it again")
        _settle(path.parent)  # also when another process wrote it and has not got this far
    return path


def content(store: PhotographStore, sha256: str) -> bytes:
    """Read a photograph and prove that it is what was kept.

    Raises
    ------
    InputError
        When the hash is not one.
    StoreError
        When the file is missing, changed or unreadable.
    """
    path = _path(store, sha256)
    with _storing(store, "a folder that photographs can be read from"):
        try:
            found = path.read_bytes()
        except FileNotFoundError:
            raise StoreError(
                f"photograph {path}: expected a file, found none. Bring it back from a backup"
            ) from None
    if _sha256(found).hexdigest() != sha256:
        raise _changed(path, "bring it back from a backup")
    return found


def delete(store: PhotographStore, sha256: str) -> bool:
    """Erase a photograph for good, as the law may ask, with what a cut write left of it.

    Only the file goes: backups are the clinic's to clear.

    Returns
    -------
    bool
        Whether there was one.

    Raises
    ------
    InputError
        When the hash is not one.
    StoreError
        When the file cannot be removed.
    """
    path = _path(store, sha256)
    with _storing(store, "a folder that photographs can be deleted from"):
        there = path.exists()
        for file in (path, *path.parent.glob(f".{sha256}.*")):
            file.unlink(missing_ok=True)
        if path.parent.is_dir():
            _settle(path.parent)
    return there


def every(store: PhotographStore) -> Iterator[str]:
    """Hash of every photograph in the store, in order.

    Raises
    ------
    StoreError
        When the folder cannot be read.
    """
    return iter([file.name for file in _files(store) if _is_photograph(file)])


def check(store: PhotographStore, hashes: Iterable[str]) -> list[str]:
    """Compare the store with the hashes that the record names, and every file with its hash.

    A photograph that is being kept at this moment may be reported as not named yet.

    Returns
    -------
    list[str]
        One line for every problem; empty when all is well.

    Raises
    ------
    StoreError
        When the folder cannot be read.
    """
    named, problems = sorted(set(hashes)), []
    for sha256 in named:
        try:
            content(store, sha256)
        except (InputError, StoreError) as error:
            problems.append(str(error))
    known = set(named)
    for file in _files(store):
        if not _is_photograph(file):
            problems.append(
                f"{file}: expected photographs only, found another file or what a cut write left. "
                "Remove it"
            )
        elif file.name not in known:
            problems.append(
                f"photograph {file}: expected one that the record names, found one that it does "
                "not. Delete it if it was to be erased"
            )
    return problems


def _files(store: PhotographStore) -> list[Path]:
    """All files of the store, in order of their names."""
    with _storing(store, "a folder that photographs can be read from"):
        if not store.folder.exists():
            return []
        folders = [path for path in store.folder.iterdir() if path.is_dir()]
        files = [path for path in store.folder.iterdir() if not path.is_dir()]
        return sorted([*files, *(file for folder in folders for file in folder.iterdir())])


def _is_photograph(file: Path) -> bool:
    fits = bool(_HASH.fullmatch(file.name)) and file.parent.name == file.name[:2]
    return fits and file.is_file() and not file.is_symlink()


def _path(store: PhotographStore, sha256: str) -> Path:
    """File of a hash; anything that is not a hash, such as ``../key``, is refused."""
    if not isinstance(sha256, str) or not _HASH.fullmatch(sha256):
        raise _refusal("the hash of a photograph, 64 digits 0-9 and a-f",
                       ascii(sha256)[:80], "Take it from the record.")  # fmt: skip
    return store.folder / sha256[:2] / sha256


def _changed(path: Path, remedy: str) -> StoreError:
    return StoreError(
        f"photograph {path}: expected the content that was kept, found another. "
        + remedy[0].upper() + remedy[1:]
    )  # fmt: skip


def _write(path: Path, data: bytes) -> None:
    """Write beside the target, then rename: two writers of one hash write the same bytes."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _FILE_MODE)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _settle(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems have nothing to sync here
            raise
    finally:
        os.close(handle)


@contextmanager
def _storing(store: PhotographStore, expected: str) -> Iterator[None]:
    """Say in plain words what the file system refused."""
    try:
        yield
    except OSError as error:
        code = error.errno or 0
        found = _TROUBLES.get(code) or (error.strerror or str(error)).lower()
        remedy = _REMEDIES.get(code, "Check the disk and the folder")
        raise StoreError(
            f"photographs {store.folder}: expected {expected}, found {found}. {remedy}"
        ) from None
