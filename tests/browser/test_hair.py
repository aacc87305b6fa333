"""The hair view in a real browser, with software WebGL and without any."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, Route

import anagen.web
from anagen.report.hair_view import LABELS, hair_view, packed
from anagen.scalp import build_scalp

PAGES = Path(__file__).with_name("pages")
STATIC = Path(anagen.web.__file__).with_name("static")
ORIGIN = "http://hair.test"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; worker-src 'self'"
)
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
SOFTWARE_GL = [
    "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
]  # fmt: skip
NO_WEBGL = """
const real = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
  return kind.startsWith("webgl") ? null : real.call(this, kind, ...more);
};
"""
WEEKS = (0, 4, 8, 12)
HAIRS = 3000


def _course(cover: np.ndarray, density: np.ndarray, weeks: np.ndarray) -> xr.Dataset:
    cell = ("time", "cell")
    return xr.Dataset(
        {
            "hair_density": (cell, cover * density),
            "terminal_share": (cell, np.clip(2.0 * cover - 1.0, 0.05, 1.0)),
            "calibre": (cell, 25.0 + 45.0 * cover),
            "shaft_length": (cell, 2.0 + 12.0 * cover),
        },
        {"time": 7 * weeks},
    )


@pytest.fixture(scope="module")
def data() -> str:
    """A patch on top that regrows by week 12 when treated: fast when lucky, hardly if unlucky."""
    scalp = build_scalp(cell_mm=5.0)
    weeks = np.arange(13)
    top = np.array([0.0, -20.0, scalp.head.semi_axes[2]])
    bald = np.linalg.norm(scalp.position - top, axis=1) < 30.0
    courses: dict[str, tuple[xr.Dataset, xr.Dataset]] = {}
    for name, speed in (("likely", 1.0), ("lucky", 2.0), ("unlucky", 0.2)):
        healed = np.clip(speed * weeks / 12.0, 0.0, 1.0)[:, None]
        courses[name] = (
            _course(1.0 - bald * (1.0 - healed), scalp.density_per_cm2, weeks),
            _course(1.0 - bald * np.ones_like(healed), scalp.density_per_cm2, weeks),
        )
    return packed(hair_view(scalp, courses, WEEKS, 3, HAIRS))


@pytest.fixture(scope="module")
def gl_browser(browser: Browser) -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    with browser.browser_type.launch(executable_path=path, args=SOFTWARE_GL) as found:
        yield found


@pytest.fixture
def opened(gl_browser: Browser, data: str) -> Iterator[Callable[..., Page]]:
    contexts = []

    def open_page(before: str = "", model: dict[str, Any] | None = None, **options: Any) -> Page:
        context = gl_browser.new_context(
            **{"viewport": {"width": 620, "height": 800}, "reduced_motion": "reduce", **options}
        )
        contexts.append(context)
        shown = {"data": data, "labels": LABELS, "language": "en", **(model or {})}

        def serve(route: Route) -> None:
            path = route.request.url.removeprefix(ORIGIN).split("?")[0].lstrip("/")
            folder, _, name = path.partition("/")
            file = {"static": STATIC, "pages": PAGES}.get(folder, PAGES) / (name or "hair.html")
            text = file.read_text(encoding="utf-8").replace(
                "MODEL", json.dumps(shown).replace("<", "\\u003c")
            )
            headers = {"Content-Security-Policy": POLICY, "Content-Type": TYPES[file.suffix]}
            route.fulfill(status=200, body=text, headers=headers)

        context.route("**/*", serve)
        page = context.new_page()
        page.set_default_timeout(20_000)
        errors: list[str] = []
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.errors = errors  # type: ignore[attr-defined]
        if before:
            page.add_init_script(before)
        page.goto(f"{ORIGIN}/")
        return page

    yield open_page
    for context in contexts:
        context.close()


def told(page: Page) -> dict[str, str]:
    return dict(page.evaluate("({...document.documentElement.dataset})"))


def settled(page: Page, after: int = 0) -> int:
    """Wait for a finished picture newer than a number of frames; give the number of frames."""
    until = time.monotonic() + 30.0
    while time.monotonic() < until:
        state = told(page)
        if int(state.get("frames", 0)) > after and int(state["level"]) <= 1:
            return int(state["frames"])
        page.wait_for_timeout(40)
    raise AssertionError(f"no finished picture after frame {after}: {told(page)}")


def picture(page: Page) -> np.ndarray:
    shot = page.locator(".hair-canvas").screenshot()
    return np.asarray(Image.open(BytesIO(shot)).convert("RGB"), dtype=float)


def halves(page: Page) -> tuple[np.ndarray, np.ndarray]:
    whole = picture(page)
    middle = whole.shape[1] // 2
    inside = slice(whole.shape[0] // 4, 3 * whole.shape[0] // 4)
    sides = whole[inside, 8 : middle - 8], whole[inside, middle + 8 : 2 * middle - 8]
    return _coarse(sides[0]), _coarse(sides[1])


def _coarse(image: np.ndarray, size: int = 10) -> np.ndarray:
    """Means of squares: two halves of a screenshot may lie a part of a pixel apart."""
    rows, columns = image.shape[0] // size, image.shape[1] // size
    cut = image[: rows * size, : columns * size]
    return np.asarray(cut.reshape(rows, size, columns, size, 3).mean(axis=(1, 3)))


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).mean())


def press(page: Page, place: str, *keys: str) -> None:
    before = int(told(page)["frames"])
    page.focus(place)
    for key in keys:
        page.keyboard.press(key)
    settled(page, before)


def test_treated_and_untreated_begin_alike_and_part_by_week_12(opened) -> None:
    page = opened()
    settled(page)
    assert picture(page).std() > 25
    treated, untreated = halves(page)
    assert difference(treated, untreated) < 4
    press(page, ".hair-line input", "End")
    treated_later, untreated_later = halves(page)
    assert difference(treated_later, untreated_later) > 5
    assert difference(untreated_later, untreated) < 2
    assert difference(treated_later, treated) > 5
    assert treated_later.mean() < untreated_later.mean() - 4
    assert page.errors == []


def test_it_is_a_handful_of_calls_however_many_hairs(opened) -> None:
    page = opened()
    settled(page)
    state = told(page)
    assert "SwiftShader" in state["machine"]
    assert int(state["calls"]) == 6
    assert int(state["triangles"]) > 2 * HAIRS * 4


def test_time_goes_by_keyboard_a_week_at_a_time_and_between_weeks(opened) -> None:
    page = opened()
    settled(page)
    slider = page.locator(".hair-line input")
    press(page, ".hair-line input", "ArrowRight", "ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "Week 2"
    assert told(page)["week"] == "2"
    page.wait_for_selector("text=Week 2")
    early, _ = halves(page)
    press(page, ".hair-line input", "PageUp")
    later, _ = halves(page)
    assert told(page)["week"] == "6"
    assert difference(early, later) > 1
    press(page, ".hair-line input", "Home")
    assert told(page)["week"] == "0"


def test_the_head_turns_by_keyboard_by_mouse_and_by_buttons_and_comes_back(opened) -> None:
    page = opened()
    settled(page)
    press(page, ".hair-canvas", "0")
    home = picture(page)
    press(page, ".hair-canvas", "ArrowLeft", "ArrowDown")
    assert difference(home, picture(page)) > 5
    press(page, ".hair-canvas", "0")
    assert difference(home, picture(page)) < 1
    press(page, ".hair-canvas", "-", "-")
    assert difference(home, picture(page)) > 5
    box = page.locator(".hair-canvas").bounding_box()
    before = picture(page)
    frames = int(told(page)["frames"])
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 180, box["y"] + 130, steps=3)
    page.mouse.up()
    settled(page, frames)
    dragged = picture(page)
    assert difference(before, dragged) > 5
    for name in ("Top", "Back", "Left", "Right", "Nearer"):
        frames = int(told(page)["frames"])
        page.get_by_role("button", name=name).click()
        settled(page, frames)
        assert difference(dragged, picture(page)) > 3
        dragged = picture(page)
    assert page.errors == []


def test_the_page_scrolls_until_the_picture_is_in_focus(opened) -> None:
    page = opened(viewport={"width": 760, "height": 400})
    settled(page)
    before = picture(page)
    page.mouse.move(300, 200)
    page.mouse.wheel(0, 120)
    page.wait_for_timeout(300)
    assert page.evaluate("scrollY") > 50
    page.evaluate("scrollTo(0, 0)")
    assert difference(before, picture(page)) < 1


def test_each_course_says_honestly_what_it_is(opened) -> None:
    page = opened()
    settled(page)
    label = page.locator(".hair-label")
    assert label.text_content() == LABELS["likely"]
    note = page.locator(".hair-note").text_content()
    assert "not a photograph and not a promise" in note
    assert "cut to 11 mm" in note
    press(page, ".hair-line input", "PageUp", "PageUp")
    likely, _ = halves(page)
    press(page, ".hair-courses input:checked", "ArrowRight", "ArrowRight")
    assert label.text_content() == LABELS["unlucky"]
    assert told(page)["course"] == "unlucky"
    unlucky, _ = halves(page)
    assert unlucky.mean() > likely.mean() + 2


def test_the_table_says_the_same_in_numbers(opened) -> None:
    page = opened()
    settled(page)
    page.click(".hair-numbers summary")
    rows = page.locator(".hair-table tbody tr")
    first = [float(text) for text in rows.first.locator("td").all_text_contents()]
    last = [float(text) for text in rows.last.locator("td").all_text_contents()]
    assert first[0] == first[1] > 1
    assert last[0] < 0.3
    assert last[1] == first[1]


def test_words_come_from_the_server(opened) -> None:
    page = opened(model={"texts": {"play": "Abspielen", "week": "Woche {week}"}, "language": "de"})
    settled(page)
    assert page.locator(".hair-play").text_content() == "Abspielen"
    assert page.locator(".hair-week").text_content() == "Woche 0"
    page.click(".hair-numbers summary")
    assert "," in page.locator(".hair-table td").nth(3).text_content()


def test_nothing_moves_by_itself_and_calm_play_goes_from_week_to_week(opened) -> None:
    page = opened()
    frames = settled(page)
    page.wait_for_timeout(500)
    assert int(told(page)["frames"]) == frames
    page.clock.install()
    page.click(".hair-play")
    assert page.locator(".hair-play").text_content() == "Pause"
    weeks = []
    for _ in range(3):
        page.clock.run_for(1300)
        weeks.append(told(page)["week"])
    assert weeks == ["4", "8", "12"]
    page.clock.run_for(1300)
    assert page.locator(".hair-play").text_content() == "Play"


def test_play_runs_smoothly_to_the_end_and_can_be_stopped(opened) -> None:
    page = opened(reduced_motion="no-preference")
    settled(page)
    # The click that stops it comes from the page itself, so that a slow machine stops it in time.
    page.evaluate("""() => new Promise(done => {
        const button = document.querySelector(".hair-play");
        const line = document.querySelector(".hair-line input");
        const look = () => {
            if (Number(line.value) > 0) { button.click(); done(); }
            else requestAnimationFrame(look);
        };
        button.click();
        look();
    })""")
    stopped = float(told(page)["week"])
    assert 0 < stopped < 12
    page.focus(".hair-line input")
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    page.click(".hair-play")
    page.wait_for_selector(".hair-play[data-playing=false]")
    assert told(page)["week"] == "12"
    assert page.errors == []


def test_without_webgl_the_same_hairs_are_drawn_plainly(opened) -> None:
    page = opened(before=NO_WEBGL)
    settled(page)
    assert told(page)["machine"] == "canvas"
    assert "simpler" in page.locator(".hair-note").first.text_content()
    assert picture(page).std() > 25
    treated, untreated = halves(page)
    assert difference(treated, untreated) < 4
    bald = treated.mean()
    press(page, ".hair-line input", "End")
    treated, untreated = halves(page)
    assert treated.mean() < untreated.mean() - 1.5
    assert treated.mean() < bald - 1.5
    press(page, ".hair-canvas", "ArrowLeft")
    assert difference(treated, halves(page)[0]) > 2
    assert page.errors == []


def test_a_lost_graphics_card_leaves_the_plain_picture(opened) -> None:
    page = opened()
    frames = settled(page)
    page.evaluate(
        "document.querySelector('.hair-canvas').getContext('webgl2')"
        ".getExtension('WEBGL_lose_context').loseContext()"
    )
    settled(page, frames)
    assert told(page)["machine"] == "canvas"
    assert picture(page).std() > 25


def test_a_picture_can_be_saved_for_print(opened, tmp_path: Path) -> None:
    page = opened()
    settled(page)
    press(page, ".hair-line input", "PageUp")
    before = picture(page)
    with page.expect_download() as waiting:
        page.click(".hair-save")
    file = tmp_path / "picture.png"
    waiting.value.save_as(file)
    assert waiting.value.suggested_filename == "hair-likely-week-4.png"
    image = np.asarray(Image.open(file).convert("RGB"), dtype=float)
    assert image.shape[1] >= 2400
    assert image[100:1300].std() > 25
    assert image[1400:].min() < 100
    settled(page)
    assert difference(before, picture(page)) < 1


def test_what_cannot_be_read_is_told(opened) -> None:
    page = opened(model={"data": "bm90aGluZw=="})
    page.wait_for_selector("[role=alert]")
    assert page.locator("canvas").count() == 0


def test_new_data_replace_the_old(opened, data: str) -> None:
    page = opened(model={"data": "bm90aGluZw=="})
    page.wait_for_selector("[role=alert]")
    page.evaluate(
        "value => document.dispatchEvent(new CustomEvent('set-model', {detail: {name: 'data', "
        "value}}))",
        data,
    )
    settled(page)
    assert page.locator("canvas").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_it_is_accessible_at_every_width(opened, scheme: str, width: int) -> None:
    page = opened(viewport={"width": width, "height": 900}, color_scheme=scheme)
    settled(page)
    found = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    sizes = page.evaluate(
        "[...document.querySelectorAll('.hair button, .hair-choice, .hair-line input')]"
        ".map((one) => one.getBoundingClientRect().height)"
    )
    assert min(sizes) >= 44
