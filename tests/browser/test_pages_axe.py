"""Every page of the console: barriers, errors, policy, weight, phones and the keyboard."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from console_clinic import WHOLE, Clinic, watch, weight_of
from playwright.sync_api import Browser, BrowserContext, Page

from anagen.web.console.routers import console_routers

# Bytes of a page with its stylesheet and scripts, before what islands and charts fetch.
MOST_BYTES = 200_000
SECONDS_FOR_FORECAST = 180
# The journey sees the page of the first start, and opens a document, which needs one made before.
ELSEWHERE = {
    "/setup", "/people/{number}/documents/{key}", "/people/{number}/documents/{key}/file",
}  # fmt: skip
PAGES = sorted(
    {
        route.path
        for router in console_routers()
        for route in router.routes
        if "GET" in route.methods and route.path not in ELSEWHERE
    }
)


def address(clinic: Clinic, path: str) -> str:
    """Fill in the parameters of a path."""
    values = {"number": WHOLE, "key": clinic.keys["visit"], "name": "bert"}
    return clinic.url + re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: values[found[1]], path)


def settle(page: Page) -> None:
    """Wait until islands are drawn and nothing is computed any more."""
    page.wait_for_load_state("networkidle")
    page.wait_for_function(
        """() => !document.querySelector("[data-working], [data-state=active], [data-ask]")
        && [...document.querySelectorAll("[data-island=editor]")]
             .every((one) => one.querySelector(".ae-stage"))""",
        timeout=1000 * SECONDS_FOR_FORECAST,
    )


@pytest.fixture(scope="module")
def window(clinic: Clinic, browser: Browser) -> Iterator[BrowserContext]:
    """A window of somebody who may do everything, without moving pictures."""
    context = clinic.signed_in(browser, reduced_motion="reduce")
    yield context
    context.close()


@pytest.fixture
def page(window: BrowserContext) -> Iterator[Page]:
    page = window.new_page()
    yield page
    page.close()


def barriers(page: Page, *rules: str) -> list[str]:
    """What is serious or critical for people with a disability; by all rules or some."""
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = list(rules)
    found = Axe().run(page, options=options)
    return [
        f"{one['id']} ({one['impact']}): {[node['target'] for node in one['nodes']][:4]}"
        for one in found.response["violations"]
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_hinders_nobody(clinic: Clinic, page: Page, path: str) -> None:
    place = address(clinic, path)
    answer = page.request.get(place)
    assert answer.status == 200, path
    if not answer.headers["content-type"].startswith("text/html"):
        return
    seen = watch(page)
    page.goto(place)
    settle(page)
    assert page.title().endswith("Anagen")
    assert page.locator("h1").count() == 1
    assert barriers(page) == []
    # The dark scheme differs by its colours alone.
    page.emulate_media(color_scheme="dark")
    assert barriers(page, "color-contrast") == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    seen.check()


@pytest.mark.parametrize(
    "path",
    ["/sign-in", "/", "/people", "/people/{number}", "/people/{number}/visit",
     "/people/{number}/plan", "/people/{number}/treat", "/evidence"],
)  # fmt: skip
def test_a_page_is_light(clinic: Clinic, browser: Browser, path: str) -> None:
    context = clinic.signed_in(browser)
    total = weight_of(context, address(clinic, path))
    assert 5_000 < total < MOST_BYTES
    context.close()


def test_the_list_of_pages_is_whole() -> None:
    assert {"/", "/people/{number}", "/people/{number}/visit", "/admin"} <= set(PAGES)
    assert len(PAGES) > 20
