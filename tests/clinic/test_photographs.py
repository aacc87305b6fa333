"""Photographs lose all that is not the picture and not a pixel; the store keeps them whole."""

import errno
import os
import resource
import stat
import struct
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, TiffImagePlugin

from anagen.clinic import photographs
from anagen.clinic.photographs import (
    Limits,
    Photograph,
    PhotographStore,
    check,
    content,
    delete,
    every,
    keep,
    take_in,
    thumbnail,
)
from anagen.errors import InputError, StoreError

SECRETS = (b"Mercator", b"48.2085", b"GPS", b"http://ns.adobe.com/xap", b"<script>", b"PK\x03\x04")
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b"<x:xmpmeta>Mercator 48.2085</x:xmpmeta>"
TRAILER = b"<html><script>alert(1)</script></html>PK\x03\x04 Mercator"


def scene(mode: str = "RGB", size: tuple[int, int] = (40, 24)) -> Image.Image:
    """A picture with structure in every channel."""
    width, height = size
    values = np.random.default_rng(1).integers(0, 256, (height, width, 4), dtype=np.uint8)
    values[: height // 2, : width // 2] = (220, 30, 40, 90)
    if mode == "I;16":
        return Image.fromarray(values[..., 0].astype(np.uint16) * 257)
    if mode in ("CMYK", "P", "1"):
        return Image.fromarray(values[..., :3]).convert(mode)
    return Image.fromarray(values).convert(mode)


def exif(orientation: int = 1) -> bytes:
    """EXIF as phones write it: owner, place, orientation."""
    block = Image.Exif()
    block[0x0112] = orientation
    block[0x013B] = "Mercator"
    position = TiffImagePlugin.IFDRational(482085, 10000)
    block.get_ifd(0x8825).update({1: "N", 2: (position, position, position)})
    return block.tobytes()


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def pixels(raw: bytes) -> tuple[str, tuple[int, int], bytes]:
    with Image.open(BytesIO(raw)) as image:
        image.load()
        return image.mode, image.size, image.tobytes()


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def after_head(png: bytes, *chunks: bytes) -> bytes:
    """A PNG with chunks put in behind its first, which is 33 bytes from the start."""
    return png[:33] + b"".join(chunks) + png[33:]


def full_jpeg(orientation: int = 1) -> bytes:
    """A JPEG with everything that can tell more than the picture."""
    raw = encoded(scene(), exif=exif(orientation), xmp=XMP, comment=b"Mercator",
                  icc_profile=PROFILE, quality=90)  # fmt: skip
    extra = (
        segment(0xE0, b"JFXX\0\x10Mercator preview")
        + segment(0xED, b"Photoshop 3.0\0Mercator")
        + segment(0xEB, b"Mercator")
    )
    return raw[:2] + extra + raw[2:] + TRAILER + encoded(scene())


def full_png(orientation: int = 1) -> bytes:
    raw = encoded(scene(), "PNG", icc_profile=PROFILE, exif=exif(orientation), dpi=(300, 300))
    told = (
        chunk(b"tEXt", b"Author\0Mercator"),
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"Mercator")),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
        chunk(b"tIME", bytes([7, 230, 1, 1, 1, 1, 1])),
        chunk(b"meRc", b"Mercator"),
    )
    return after_head(raw, *told) + TRAILER


def full_webp(orientation: int = 1) -> bytes:
    raw = encoded(scene(), "WEBP", exif=exif(orientation), xmp=XMP, icc_profile=PROFILE)
    return raw + TRAILER


FULL = pytest.mark.parametrize("full", [full_jpeg, full_png, full_webp])


def refused(raw: bytes, *, limits: Limits = photographs.LIMITS) -> str:
    with pytest.raises(InputError) as caught:
        take_in(raw, limits=limits)
    return str(caught.value)


# ------------------------------------------------------------------ what goes and what stays


@FULL
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_only_the_picture_its_colours_and_its_orientation_stay(
    full: Callable[[int], bytes], orientation: int
) -> None:
    raw = full(orientation)
    taken = take_in(raw)
    assert not [secret for secret in SECRETS if secret in taken.content]
    assert pixels(taken.content) == pixels(raw)
    with Image.open(BytesIO(taken.content)) as image:
        assert dict(image.getexif()) == ({0x0112: orientation} if orientation != 1 else {})
        assert image.info["icc_profile"] == PROFILE
        assert not set(image.info) & {"xmp", "comment", "photoshop", "Author", "Comment"}
    assert (taken.width, taken.height) == ((24, 40) if orientation == 6 else (40, 24))


@FULL
def test_taking_in_twice_changes_nothing(full: Callable[[int], bytes]) -> None:
    once = take_in(full(6))
    assert once.sha256 == sha256(once.content).hexdigest()
    assert take_in(once.content) == once


@pytest.mark.parametrize(
    ("mode", "kind", "options"),
    [
        ("L", "JPEG", {}),
        ("CMYK", "JPEG", {}),
        ("RGB", "JPEG", {"progressive": True, "subsampling": 0}),
        ("RGB", "JPEG", {"restart_marker_blocks": 1}),
        ("RGB", "JPEG", {"keep_rgb": True}),
        *((mode, "PNG", {}) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")),
        ("P", "PNG", {"transparency": 3}),
        ("RGB", "WEBP", {}),
        ("RGBA", "WEBP", {}),
        ("RGBA", "WEBP", {"lossless": True, "exif": exif(8)}),
    ],
)
def test_every_kind_of_picture_keeps_its_pixels(
    mode: str, kind: str, options: dict[str, object]
) -> None:
    raw = encoded(scene(mode), kind, **options)
    taken = take_in(raw)
    assert pixels(taken.content) == pixels(raw)
    assert take_in(taken.content) == taken
    assert taken.media_type == f"image/{kind.lower()}"


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 95), st.integers(0, 8))
def test_no_size_or_quality_loses_a_pixel(
    width: int, height: int, quality: int, orientation: int
) -> None:
    for kind in ("JPEG", "PNG", "WEBP"):
        raw = encoded(scene(size=(width, height)), kind, quality=quality, exif=exif(orientation))
        taken = take_in(raw)
        assert pixels(taken.content) == pixels(raw)
        assert take_in(taken.content) == taken


def test_transparency_and_resolution_stay() -> None:
    taken = take_in(encoded(scene("P"), "PNG", transparency=3, dpi=(300, 300)))
    with Image.open(BytesIO(taken.content)) as image:
        assert image.info["transparency"] is not None
        assert round(image.info["dpi"][0]) == 300


def test_a_phone_picture_with_a_second_one_behind_it_is_one_picture() -> None:
    first, second = scene(), scene("L").convert("RGB")
    raw = encoded(first, "MPO", save_all=True, append_images=[second])
    taken = take_in(raw)
    with Image.open(BytesIO(taken.content)) as image:
        assert image.format == "JPEG"
        assert image.tobytes() == pixels(encoded(first))[2]


def test_the_preview_inside_the_jfif_head_goes() -> None:
    raw = encoded(scene())
    head = b"JFIF\0\x01\x02\0\0\x01\0\x01\x02\x02" + b"Mercator1234"
    taken = take_in(raw[:2] + segment(0xE0, head) + raw[20:])  # in place of its own head
    assert b"Mercator" not in taken.content
    assert pixels(taken.content) == pixels(raw)


def test_marks_behind_the_first_scan_say_nothing_about_the_picture() -> None:
    late = segment(0xE1, exif(6)) + segment(0xFE, b"Mercator")
    assert take_in(JPEG[:-2] + late + JPEG[-2:]) == take_in(JPEG)


def test_nothing_hides_behind_a_packed_colour_profile() -> None:
    packed = b"Mercator\0\0" + zlib.compress(PROFILE)
    whole = take_in(after_head(PNG, chunk(b"iCCP", packed)))
    assert b"Mercator" not in whole.content
    assert take_in(after_head(PNG, chunk(b"iCCP", packed + b"Mercator"))) == whole


@pytest.mark.parametrize(
    "profile",
    [
        b"Mercator" * 100,
        struct.pack(">I", 2_000_000) + PROFILE[4:] + bytes(2_000_000 - len(PROFILE)),
    ],
    ids=["no profile", "implausibly large"],
)
def test_what_is_no_plausible_colour_profile_goes(profile: bytes) -> None:
    for kind in ("JPEG", "PNG", "WEBP"):
        taken = take_in(encoded(scene(), kind, icc_profile=profile))
        assert len(taken.content) < 20_000
        with Image.open(BytesIO(taken.content)) as image:
            assert "icc_profile" not in image.info


@pytest.mark.parametrize(
    "broken", [b"", b"Exif\0\0II*\0", b"MM\0*\xff\xff\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff"]
)
def test_a_broken_exif_block_is_not_needed(broken: bytes) -> None:
    raw = encoded(scene())
    taken = take_in(raw[:2] + segment(0xE1, b"Exif\0\0" + broken) + raw[2:])
    assert take_in(raw) == taken


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\n<!DOCTYPE html><script>1</script>", "web page"),
        (b"<html>" + encoded(scene()), "web page"),
        (encoded(scene("P"), "GIF"), "GIF"),
        (encoded(scene(), "TIFF"), "TIFF"),
        (encoded(scene(), "BMP"), "BMP"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "HEIC"),
        (b"\0\0\0\x18ftypavif" + bytes(40), "AVIF"),
        (b"%PDF-1.7", "PDF"),
        (b"PK\x03\x04" + encoded(scene()), "ZIP"),
        (b"hello", "something else"),
        (b"\xff\xd8\xff", "breaks off"),
        (b"\xff\xd8\xff\xd9", "without a picture"),
        (b"\xff\xd8\xff\xe0\0\x01", "broken segment"),
        (b"RIFF\xff\0\0\0WEBP", "breaks off"),
        (b"RIFF\x04\0\0\0WEBP", "without a picture"),
    ],
)
def test_what_is_no_photograph_is_refused_with_a_remedy(raw: bytes, found: str) -> None:
    message = refused(raw)
    assert found in message
    assert message.startswith("photograph: expected ")
    assert message.endswith(".")


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InputError) as caught:
        take_in(encoded(scene(), "TIFF"), limits=Limits(bytes=10))
    assert len(caught.value.problems) == 2


def test_a_photograph_of_too_many_bytes_is_refused() -> None:
    raw = encoded(scene())
    assert "at most 0.0005 MB" in refused(raw, limits=Limits(bytes=500))
    assert take_in(raw, limits=Limits(bytes=len(raw), pixels=40 * 24))


@pytest.mark.parametrize(
    ("kind", "options"),
    [("PNG", {}), ("WEBP", {}), ("WEBP", {"lossless": True})],
)
def test_animations_are_refused(kind: str, options: dict[str, object]) -> None:
    raw = encoded(
        scene(), kind, save_all=True, append_images=[scene("L").convert("RGB")], **options
    )
    assert "animated" in refused(raw)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photograph_cut_anywhere_is_refused(kind: str) -> None:
    raw = encoded(scene(), kind)
    for end in range(12, len(raw), 7):
        refused(raw[:end])


def test_png_damage_is_found_in_every_byte() -> None:
    raw = encoded(scene(size=(9, 5)), "PNG")
    for at in range(8, len(raw)):
        refused(raw[:at] + bytes([raw[at] ^ 0x10]) + raw[at + 1 :])


PNG = encoded(scene(), "PNG")
JPEG = encoded(scene())


@pytest.mark.parametrize(
    "raw",
    [
        after_head(PNG, chunk(b"CgBI", b"1234")),
        after_head(PNG, PNG[8:33]),
        after_head(PNG, chunk(b"gAMA", b"12345")),
        after_head(PNG, chunk(b"gAMA", b"1234"), chunk(b"gAMA", b"1234")),
        after_head(PNG, chunk(b"IDAT", b""), chunk(b"tEXt", b"a\0b")),
        PNG[:33] + chunk(b"IEND", b""),
        PNG[:33] + chunk(b"IDAT", zlib.compress(b"short")) + chunk(b"IEND", b""),
        PNG[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 9, 8, 2, 0, 0, 0)) + PNG[33:],
        PNG[:8] + PNG[33:],
        JPEG[:2] + JPEG,
        JPEG[:-2] + JPEG[2:],
        JPEG.replace(b"\xff\xc0", b"\xff\xc3"),
        JPEG.replace(b"\xff\xc0", b"\xff\xc8"),
        JPEG[:20] + b"\0" + JPEG[20:],
    ],
)
def test_a_file_that_breaks_its_own_format_is_refused(raw: bytes) -> None:
    assert "expected a whole picture" in refused(raw)


# ------------------------------------------------------------------ bombs


def huge_png() -> bytes:
    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    return PNG[:8] + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"0")) + PNG[-12:]


def huge_jpeg() -> bytes:
    at = JPEG.index(b"\xff\xc0") + 5
    return JPEG[:at] + struct.pack(">HH", 50_000, 50_000) + JPEG[at + 4 :]


def huge_webp() -> bytes:
    raw = encoded(scene(), "WEBP")
    at = raw.index(b"\x9d\x01\x2a") + 3
    return raw[:at] + struct.pack("<HH", 16_383, 16_383) + raw[at + 4 :]


@pytest.mark.parametrize("huge", [huge_png, huge_jpeg, huge_webp])
def test_too_many_pixels_are_refused_from_the_header(
    huge: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(picture: object) -> None:
        raise AssertionError("opened before its size was checked")

    monkeypatch.setattr(photographs, "_opened", opened)
    assert "60 megapixels" in refused(huge())
    with pytest.raises(InputError, match="megapixels"):
        thumbnail(huge(), 64)


def test_a_canvas_that_differs_from_its_picture_is_refused() -> None:
    raw = bytearray(full_webp())
    at = raw.index(b"VP8X") + 12
    raw[at : at + 3] = b"\xff\x3f\0"
    assert "two different sizes" in refused(bytes(raw))


def test_hidden_data_that_inflates_is_cut_out_unread() -> None:
    bomb = zlib.compress(bytes(50_000_000), 9)
    raw = after_head(PNG, chunk(b"iCCP", b"icc\0\0" + bomb), chunk(b"zTXt", b"a\0\0" + bomb))
    taken = take_in(raw)
    assert len(taken.content) <= len(PNG)
    assert pixels(taken.content) == pixels(PNG)


def test_picture_data_that_inflates_beyond_its_size_does_no_harm() -> None:
    rows = b"".join(b"\0" + bytes([7]) * 120 for _ in range(24)) + bytes(50_000_000)
    raw = PNG[:33] + chunk(b"IDAT", zlib.compress(rows)) + PNG[-12:]
    assert take_in(raw).width == 40


def test_more_scans_than_any_camera_writes_are_refused() -> None:
    raw = encoded(scene(), progressive=True)
    scan = raw[raw.rindex(b"\xff\xda") : -2]
    assert take_in(raw[:-2] + scan * 9 + raw[-2:]).width == 40
    assert "scans" in refused(raw[:-2] + scan * 64 + raw[-2:])


def test_more_parts_than_any_camera_writes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photographs, "_MAX_PARTS", 50)
    assert "too many parts" in refused(JPEG[:2] + segment(0xFE, b"") * 50 + JPEG[2:])
    assert "too many parts" in refused(after_head(PNG, *[chunk(b"tEXt", b"")] * 50))
    body = b"WEBP" + b"junk\0\0\0\0" * 51
    assert "too many parts" in refused(b"RIFF" + struct.pack("<I", len(body)) + body)


# ------------------------------------------------------------------ anything at all

STARTS = (
    b"",
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"RIFF\xff\0\0\0WEBP",
    b"RIFF\x20\0\0\0WEBPVP8X",
)


@given(st.sampled_from(STARTS), st.binary(max_size=300))
def test_random_bytes_raise_nothing_but_input_errors(start: bytes, rest: bytes) -> None:
    with pytest.raises(InputError):
        take_in(start + rest)


WHOLE = (full_jpeg(6), encoded(scene(), progressive=True), full_png(6), full_webp(6))


@given(
    st.sampled_from(WHOLE),
    st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), max_size=6),
    st.integers(0, 8),
)
def test_changed_photographs_are_taken_in_or_refused(
    raw: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    changed = bytearray(raw)
    for at, value in changes:
        changed[at % len(raw)] = value
    del changed[len(raw) // 2 : len(raw) // 2 + cut]
    try:
        taken = take_in(bytes(changed))
    except InputError:
        return
    assert take_in(taken.content) == taken
    assert thumbnail(taken.content, 8)


# ------------------------------------------------------------------ thumbnails


@pytest.mark.parametrize("full", [full_jpeg, full_png, full_webp])
def test_a_thumbnail_is_small_upright_and_tells_nothing(full: Callable[[int], bytes]) -> None:
    raw = thumbnail(take_in(full(6)).content, 20)
    with Image.open(BytesIO(raw)) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (12, 20))
        assert not set(image.info) & {"exif", "icc_profile", "comment", "xmp"}
        red, green, blue = image.getpixel((9, 4))  # the red corner, top left, is now top right
    assert red > 180
    assert green < 90
    assert blue < 90


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_thumbnails_of_every_kind_of_png(mode: str) -> None:
    whole = take_in(encoded(scene(mode), "PNG")).content
    with Image.open(BytesIO(thumbnail(whole, 400))) as image:
        assert image.size == (40, 24)


def test_a_thumbnail_shows_clear_parts_white_and_16_bit_grey_as_grey() -> None:
    clear = encoded(Image.new("RGBA", (8, 8), (200, 0, 0, 0)), "PNG")
    grey = encoded(Image.fromarray(np.full((8, 8), 0x8000, np.uint16)), "PNG")
    for raw, value in ((clear, 255), (grey, 128)):
        with Image.open(BytesIO(thumbnail(raw, 8))) as image:
            assert all(abs(band - value) < 3 for band in image.getpixel((4, 4)))


def test_a_thumbnail_converts_the_colours_of_the_camera() -> None:
    # A profile whose red and green are exchanged.
    swapped = PROFILE.replace(b"rXYZ", b"xXYZ").replace(b"gXYZ", b"rXYZ").replace(b"xXYZ", b"gXYZ")
    raw = encoded(Image.new("RGB", (8, 8), (250, 10, 10)), "PNG", icc_profile=swapped)
    with Image.open(BytesIO(thumbnail(take_in(raw).content, 8))) as image:
        red, green, _ = image.getpixel((4, 4))
    assert green > red


@pytest.mark.parametrize("size", [0, -1, 5000])
def test_a_thumbnail_of_no_size_is_refused(size: int) -> None:
    with pytest.raises(InputError, match="thumbnail"):
        thumbnail(JPEG, size)


@pytest.mark.parametrize("raw", [b"", b"hello", JPEG[:200]])
def test_a_thumbnail_of_no_photograph_is_refused(raw: bytes) -> None:
    with pytest.raises(InputError):
        thumbnail(raw, 10)


# ------------------------------------------------------------------ the store


@pytest.fixture
def store(tmp_path: Path) -> PhotographStore:
    return PhotographStore(tmp_path / "clinic" / "photographs")


@pytest.fixture(scope="module")
def photograph() -> Photograph:
    return take_in(full_jpeg(6))


def files(store: PhotographStore) -> list[Path]:
    return sorted(path for path in store.folder.rglob("*") if path.is_file())


def test_what_is_kept_is_read_again(store: PhotographStore, photograph: Photograph) -> None:
    path = keep(store, photograph)
    assert path == store.folder / photograph.sha256[:2] / photograph.sha256
    assert content(store, photograph.sha256) == photograph.content
    assert files(store) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_kept_photograph_and_its_name_are_durable(
    store: PhotographStore, photograph: Photograph, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, rename = os.fsync, os.rename

    def synced(handle: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    def renamed(source: Path, target: Path) -> None:
        done.append("name")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "rename", renamed)
    keep(store, photograph)
    assert done[-3:] == ["file", "name", "folder"]
    done.clear()
    delete(store, photograph.sha256)
    assert done == ["folder"]


def test_keeping_twice_leaves_the_first_file(
    store: PhotographStore, photograph: Photograph
) -> None:
    first = keep(store, photograph).stat()
    assert keep(store, photograph).stat() == first


def test_many_may_keep_the_same_photograph_at_once(
    store: PhotographStore, photograph: Photograph
) -> None:
    with ThreadPoolExecutor(8) as pool:
        paths = set(pool.map(lambda _: keep(store, photograph), range(24)))
    assert files(store) == sorted(paths)
    assert check(store, [photograph.sha256]) == []


def test_a_changed_file_is_neither_read_nor_overwritten(
    store: PhotographStore, photograph: Photograph
) -> None:
    path = keep(store, photograph)
    path.write_bytes(b"another picture")
    with pytest.raises(StoreError, match="expected the content that was kept"):
        content(store, photograph.sha256)
    with pytest.raises(StoreError, match="backup"):
        keep(store, photograph)
    assert path.read_bytes() == b"another picture"


def test_content_under_a_false_hash_is_not_kept(store: PhotographStore) -> None:
    with pytest.raises(StoreError, match="take in the original again"):
        keep(store, Photograph("0" * 64, "image/jpeg", 1, 1, b"content"))
    assert not store.folder.exists()


def test_a_missing_file_is_said_with_a_remedy(store: PhotographStore) -> None:
    with pytest.raises(StoreError, match=r"found none\. Bring it back from a backup"):
        content(store, "0" * 64)


@pytest.mark.parametrize(
    "name",
    ["", "../../key", "/etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n", "0" * 62 + "/.", None],
)
def test_nothing_but_a_hash_is_a_name(store: PhotographStore, name: str) -> None:
    for ask in (content, delete):
        with pytest.raises(InputError, match="the hash of a photograph"):
            ask(store, name)
    with pytest.raises(InputError, match="the hash of a photograph"):
        keep(store, Photograph(name, "image/jpeg", 1, 1, b""))
    assert not store.folder.exists()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "full disk. Make room"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only. Mount"),
        (errno.EACCES, "without permission. Mend"),
        (errno.EFBIG, "limit on the size"),
        (errno.EIO, "input/output error. Check the disk"),
    ],
)
@pytest.mark.parametrize("call", ["open", "fsync", "rename"])
def test_a_disk_that_refuses_leaves_nothing_behind(
    store: PhotographStore,
    photograph: Photograph,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    words: str,
    call: str,
) -> None:
    (store.folder / photograph.sha256[:2]).mkdir(parents=True)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as broken:
        broken.setattr(os, call, refuse)
        with pytest.raises(StoreError, match=words):
            keep(store, photograph)
    assert files(store) == []
    assert keep(store, photograph).is_file()


@contextmanager
def file_size_limit(limit: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_refuses_midway_leaves_nothing_behind(
    store: PhotographStore, photograph: Photograph
) -> None:
    with file_size_limit(1000), pytest.raises(StoreError, match="limit on the size of files"):
        keep(store, photograph)
    assert files(store) == []


def test_a_store_that_is_no_folder_is_a_store_error(
    store: PhotographStore, photograph: Photograph
) -> None:
    store.folder.parent.mkdir()
    store.folder.write_bytes(b"")
    with pytest.raises(StoreError):
        keep(store, photograph)
    with pytest.raises(StoreError):
        list(every(store))


def test_erasing_takes_the_file_and_what_a_cut_write_left(
    store: PhotographStore, photograph: Photograph
) -> None:
    path = keep(store, photograph)
    path.with_name(f".{photograph.sha256}.0123").write_bytes(photograph.content[:100])
    other = keep(store, take_in(JPEG))
    assert delete(store, photograph.sha256)
    assert files(store) == [other]
    assert not delete(store, photograph.sha256)
    with pytest.raises(StoreError, match="found none"):
        content(store, photograph.sha256)


def test_every_photograph_is_listed(store: PhotographStore, photograph: Photograph) -> None:
    assert list(every(store)) == []
    kept = sorted(keep(store, each).name for each in (photograph, take_in(JPEG), take_in(PNG)))
    (store.folder / "notes.txt").write_text("not a photograph")
    (store.folder / kept[0][:2] / f".{kept[0]}.0123").write_bytes(b"cut")
    assert list(every(store)) == kept


def test_a_check_names_what_is_missing_changed_unnamed_and_foreign(
    store: PhotographStore, photograph: Photograph
) -> None:
    kept = [keep(store, each) for each in (photograph, take_in(JPEG), take_in(PNG))]
    names = [path.name for path in kept]
    assert check(store, names) == []
    kept[0].write_bytes(b"changed")
    (store.folder / "notes.txt").write_text("foreign")
    problems = check(store, [*names[:2], "0" * 64, "../key"])
    assert len(problems) == 5
    for words in ("found another. Bring", "found none", "hash of a photograph", "notes.txt",
                  f"{names[2]}: expected one that the record names"):  # fmt: skip
        assert sum(words in problem for problem in problems) == 1, words
    assert names[1] not in "".join(problems)
