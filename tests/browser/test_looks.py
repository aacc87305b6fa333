"""How a few pages look, beside pictures of how they should.

Pages are compared as a blurred eye sees them: averages of blocks of 16 by 16 pixels. A letter is
narrower than a block, so that another font or another way to smooth it hardly counts, while a
missing stylesheet, a lost column or a wrong colour does. Made again on purpose, after looking at
the pages: ANAGEN_NEW_LOOKS=1 pytest tests/browser/test_looks.py
"""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from console_clinic import WHOLE, Clinic
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page

FOLDER = Path(__file__).with_name("looks")
WIDTH, HEIGHT, BLOCK = 1024, 768, 16
# A block differs by more than the shade between card and page; so many may, for text that wraps.
MOST_SHADE, MOST_SHARE = 14, 0.07
OTHER_FONT = "*, ::before, ::after { font-family: serif !important; }"
# What changes with the day or with other tests.
CHANGING = ("time", ".lead", "main .row", "input[type=date]", ".foot")
PAGES = {
    "sign_in": ("/sign-in", False, "light"),
    "sign_in_dark": ("/sign-in", False, "dark"),
    "new_person": ("/people/new", True, "light"),
    "visit": (f"/people/{WHOLE}/visit", True, "light"),
    "visit_dark": (f"/people/{WHOLE}/visit", True, "dark"),
    "treat": (f"/people/{WHOLE}/treat", True, "light"),
    "admin": ("/admin/settings", True, "light"),
}  # fmt: skip


@pytest.fixture
def shown(clinic: Clinic, browser: Browser) -> Iterator[Any]:
    """Open a page as it is to be compared."""
    contexts: list[BrowserContext] = []

    def opened(name: str, *, without: str = "", styles: str = "") -> np.ndarray:
        path, known, scheme = PAGES[name]
        options: dict[str, Any] = {
            "viewport": {"width": WIDTH, "height": HEIGHT}, "color_scheme": scheme,
            "reduced_motion": "reduce", "locale": "en-GB", "bypass_csp": bool(styles),
        }  # fmt: skip
        context = clinic.signed_in(browser, **options) if known else browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        if without:
            page.route(without, lambda route: route.abort())
        page.goto(clinic.url + path, wait_until="networkidle")
        if "visit" in name:
            page.locator(".ae-stage").wait_for()
        if styles:
            page.add_style_tag(content=styles)
        return blurred(page)

    yield opened
    for context in contexts:
        context.close()


def blurred(page: Page) -> np.ndarray:
    """Average colour of each block of the page, without what changes from day to day."""
    hidden = [page.locator(one) for one in CHANGING]
    raw = page.screenshot(mask=hidden, mask_color="#808080", animations="disabled", caret="hide")
    picture = Image.open(io.BytesIO(raw)).convert("RGB")
    size = (WIDTH // BLOCK, HEIGHT // BLOCK)
    return np.asarray(picture.resize(size, Image.Resampling.BOX), dtype=np.float64)


def share_changed(seen: np.ndarray, name: str) -> float:
    """Share of the blocks that differ from the picture of how it should look."""
    wanted = np.asarray(Image.open(FOLDER / f"{name}.png").convert("RGB"), dtype=np.float64)
    return float(np.mean(np.abs(seen - wanted).max(axis=2) > MOST_SHADE))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_looks_as_it_should(shown: Any, name: str) -> None:
    seen = shown(name)
    if os.environ.get("ANAGEN_NEW_LOOKS"):
        FOLDER.mkdir(exist_ok=True)
        Image.fromarray(np.round(seen).astype(np.uint8)).save(FOLDER / f"{name}.png", optimize=True)
    assert share_changed(seen, name) <= MOST_SHARE


@pytest.mark.parametrize("name", ["sign_in", "new_person", "visit"])
def test_another_font_is_no_other_look(shown: Any, name: str) -> None:
    assert share_changed(shown(name, styles=OTHER_FONT), name) <= MOST_SHARE


@pytest.mark.parametrize("name", ["sign_in", "new_person", "treat"])
def test_a_missing_stylesheet_is_seen(shown: Any, name: str) -> None:
    assert share_changed(shown(name, without="**/anagen.css*"), name) > 2 * MOST_SHARE


@pytest.mark.parametrize(
    "broken",
    [".fields { display: block !important; }", ".bar { display: none !important; }",
     ":root { --paper: #ffe0e0 !important; --page: #ffd0d0 !important; }",
     "main { margin-left: 200px !important; }"],
)  # fmt: skip
def test_a_broken_layout_is_seen(shown: Any, broken: str) -> None:
    assert share_changed(shown("new_person", styles=broken), "new_person") > MOST_SHARE


def test_the_pictures_are_small() -> None:
    found = {path.stem: path.stat().st_size for path in FOLDER.glob("*.png")}
    assert set(found) == set(PAGES)
    assert sum(found.values()) < 400_000
