"""Life at the console: lost lines, closed tabs, two at once, lapsed sign-ins, no JavaScript."""

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from console_clinic import PASSWORD, TODAY, Clinic, Watched, opened, sign_in, watch
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from scalp_strokes import circle, draw

from anagen.clinic.people import documents_of
from anagen.clinic.permissions import CONSOLE

SECONDS_FOR_A_VISIT = 120
# A practised hand; the browser itself is far quicker than anybody's fingers.
SECONDS_A_KEY = 0.4


@pytest.fixture
def someone(clinic: Clinic, browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Windows of people who are signed in; what went wrong in them is checked at the end."""
    contexts: list[BrowserContext] = []
    watched: list[Watched] = []

    def come(account: str = "anna", **options: Any) -> BrowserContext:
        context = clinic.signed_in(browser, account, reduced_motion="reduce", **options)
        context.on("page", lambda page: watched.append(watch(page)))
        contexts.append(context)
        return context

    yield come
    for one in watched:
        one.check()
    for context in contexts:
        context.close()


def visits(clinic: Clinic, number: str) -> list[Any]:
    """Visits that the record keeps."""
    with opened(clinic.server.folder) as store:
        return list(documents_of(store, CONSOLE, number, ("visit",)))


def main(page: Page) -> Locator:
    """What the page is about, without its head."""
    return page.locator("main")


def open_editor(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator(".ae-stage")).to_be_visible()


def test_a_drawing_outlives_a_lost_line_and_a_closed_tab(
    clinic: Clinic, someone: Callable[..., BrowserContext]
) -> None:
    number = clinic.somebody(seen=False)
    address = f"{clinic.url}/people/{number}/visit"
    context = someone()
    page = context.new_page()
    open_editor(page, address)
    context.set_offline(True)
    draw(page, circle(0.45, 0.45, 0.07))
    expect(page.locator(".ae-state")).to_contain_text("No connection")
    page.close()
    context.set_offline(False)
    page = context.new_page()
    open_editor(page, address)
    expect(page.locator(".ae-banner")).to_contain_text("was not saved")
    page.get_by_role("button", name="Restore it").click()
    expect(page.locator(".ae-table [data-patch=P1]")).to_be_visible()
    page.get_by_role("button", name="Save the visit").click()
    expect(page).to_have_url(re.compile(rf"/people/{number}$"))
    (kept,) = visits(clinic, number)
    assert [patch.id for patch in kept.document.seen.patches] == ["P1"]
    # What was saved is not offered again.
    open_editor(page, address)
    expect(page.locator(".ae-banner")).to_be_hidden()


def test_what_was_typed_outlives_a_closed_tab_and_is_gone_when_saved(
    clinic: Clinic, someone: Callable[..., BrowserContext]
) -> None:
    number = clinic.somebody()
    address = f"{clinic.url}/people/{number}/visit"
    context = someone()
    page = context.new_page()
    open_editor(page, address)
    expect(page.locator("[data-offer]")).to_be_hidden()
    page.locator("[id='seen.note']").fill("Itches a little.")
    page.locator("[id='seen.patches.0.activity']").select_option("stable")
    page.close()
    page = context.new_page()
    open_editor(page, address)
    expect(page.locator("[data-offer]")).to_contain_text("were not saved")
    page.get_by_role("button", name="Go on with them").click()
    expect(page.locator("[id='seen.note']")).to_have_value("Itches a little.")
    expect(page.locator("[id='seen.patches.0.activity']")).to_have_value("stable")
    page.get_by_role("button", name="Save the visit").click()
    expect(page).to_have_url(re.compile(rf"/people/{number}$"))
    assert visits(clinic, number)[-1].document.seen.note == "Itches a little."
    open_editor(page, address)
    expect(page.locator("[data-offer]")).to_be_hidden()


def test_of_two_who_change_a_visit_the_second_is_told_and_loses_nothing(
    clinic: Clinic, someone: Callable[..., BrowserContext]
) -> None:
    number = clinic.somebody()
    (visit,) = visits(clinic, number)
    address = f"{clinic.url}/people/{number}/visits/{visit.id}"
    pages = [someone(name).new_page() for name in ("anna", "bert")]
    for page in pages:
        open_editor(page, address)
    for page, words in zip(pages, ("Anna was here.", "Bert was here."), strict=True):
        page.locator("[id='seen.note']").fill(words)
        page.locator("#reason").fill("typing error")
        page.get_by_role("button", name="Save the visit").click()
        page.wait_for_load_state()
    first, second = pages
    expect(first).to_have_url(re.compile(rf"/people/{number}$"))
    expect(main(second).get_by_role("alert")).to_contain_text("Somebody else changed this visit")
    expect(second.locator("[id='seen.note']")).to_have_value("Bert was here.")
    expect(second.locator("#reason")).to_have_value("typing error")
    (kept,) = visits(clinic, number)
    assert (kept.document.seen.note, kept.version) == ("Anna was here.", 2)
    # Having been told, one may go on; the other version stays in the history.
    second.get_by_role("button", name="Save the visit").click()
    expect(second).to_have_url(re.compile(rf"/people/{number}$"))
    (kept,) = visits(clinic, number)
    assert (kept.document.seen.note, kept.version) == ("Bert was here.", 3)


def test_a_lapsed_sign_in_leads_back_to_where_one_was(clinic: Clinic, browser: Browser) -> None:
    number = clinic.somebody()
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    sign_in(page, clinic.url, "bert")
    open_editor(page, f"{clinic.url}/people/{number}/visit")
    draw(page, circle(0.3, 0.6, 0.04))
    lapse(clinic)
    page.get_by_role("button", name="Save the visit").click()
    expect(page).to_have_url(re.compile(r"/sign-in\?then="))
    page.fill("#name", "bert")
    page.fill("#password", PASSWORD)
    page.click("main button")
    expect(page).to_have_url(f"{clinic.url}/people/{number}/visit")
    # What was drawn is offered again.
    page.get_by_role("button", name="Restore it").click()
    expect(page.locator(".ae-table [data-patch=P3]")).to_be_visible()
    lapse(clinic)
    page.goto(f"{clinic.url}/evidence?part=model")
    page.fill("#name", "bert")
    page.fill("#password", PASSWORD)
    page.click("main button")
    expect(page).to_have_url(f"{clinic.url}/evidence?part=model")
    context.close()


def lapse(clinic: Clinic) -> None:
    """Let two hours go by for everybody who is signed in."""
    connection = sqlite3.connect(clinic.server.folder / "clinic.sqlite3", timeout=30)
    with connection:
        changed = connection.execute(
            "UPDATE sign_ins SET seen = strftime('%Y-%m-%dT%H:%M:%S', 'now', '-2 hours') || "
            "substr(seen, 20)"
        )
    assert changed.rowcount > 0
    connection.close()
    clinic.states.clear()


def test_a_session_goes_on_through_a_dropped_connection(
    clinic: Clinic, someone: Callable[..., BrowserContext]
) -> None:
    number = clinic.somebody(planned=True)
    context = someone(viewport={"width": 820, "height": 1180}, has_touch=True)
    page = context.new_page()
    page.goto(f"{clinic.url}/people/{number}/treat")
    count = page.locator("[data-row]").count()
    context.set_offline(True)
    page.locator("#lot").fill("AB1234")
    page.locator("#expiry").fill((TODAY + timedelta(days=300)).isoformat())
    for _ in range(count):
        page.locator("[data-give]").tap()
    page.locator("#signed_by").fill("AB")
    page.get_by_role("button", name="Finish and sign").tap()
    expect(page.locator("[data-connection]")).to_contain_text("No connection")
    context.set_offline(False)
    expect(page.get_by_text("The session is kept")).to_be_visible(timeout=15_000)
    expect(main(page)).to_contain_text(f"{count} sites of {count}")


def test_taps_outlive_a_closed_tab(clinic: Clinic, someone: Callable[..., BrowserContext]) -> None:
    number = clinic.somebody(planned=True)
    context = someone()
    page = context.new_page()
    page.goto(f"{clinic.url}/people/{number}/treat")
    for _ in range(2):
        page.locator("[data-give]").click()
    page.close()
    page = context.new_page()
    page.goto(f"{clinic.url}/people/{number}/treat")
    page.locator("[data-offer] button.main").click()
    expect(page.locator("[data-count]")).to_have_text("2")


def test_everything_is_done_without_javascript(clinic: Clinic, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(clinic.url)
    page.fill("#name", "anna")
    page.fill("#password", PASSWORD)
    page.click("main button")
    number = f"N-{int(time.time())}"
    take_in_plainly(page, clinic, number)
    page.get_by_role("link", name="New visit").click()
    page.locator("[data-plain] summary").click()
    for name, value in (("id", "crown"), ("x", "80"), ("y", "120"), ("diameter", "24")):
        page.fill(f"[id='new.{name}']", value)
    page.get_by_role("button", name="Save the visit").click()
    expect(page).to_have_url(re.compile(f"/people/{number}$"))
    expect(main(page)).to_contain_text("1 patch")
    plan_plainly(page, clinic, number)
    page.get_by_role("link", name="Begin the session").click()
    page.fill("#lot", "AB1")
    page.fill("#signed_by", "AB")
    page.get_by_role("button", name="Finish and sign").click()
    # Not one site was marked: each says so, and what was typed is kept.
    expect(page.locator("#lot")).to_have_value("AB1")
    for row in page.locator("[data-row]").all():
        row.get_by_role("radio", name="Given").check()
    page.get_by_role("button", name="Finish and sign").click()
    expect(page.get_by_text("The session is kept")).to_be_visible()
    context.close()


def take_in_plainly(page: Page, clinic: Clinic, number: str) -> None:
    """Somebody new; what is wrong stands beside its field, and the rest stays as typed."""
    page.goto(f"{clinic.url}/people/new")
    page.fill("#number", number)
    page.locator("[id='person.sex']").select_option("male")
    page.locator("[id='person.weight_kg']").fill("900")
    page.locator("[id='person.age_years']").fill("41")
    page.locator("[id='person.medicines']").fill("aspirin,\nibuprofen")
    page.locator("form.card").get_by_role("button").last.click()
    wrong = page.locator("[id='person.weight_kg']")
    expect(wrong).to_have_value("900")
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(page.locator("[id='person.weight_kg-about']")).to_contain_text("found")
    expect(page.locator("[id='person.medicines']")).to_have_value("aspirin,\nibuprofen")
    wrong.fill("80")
    page.locator("form.card").get_by_role("button").last.click()
    expect(page).to_have_url(re.compile(f"/people/{number}$"))
    expect(main(page)).to_contain_text("aspirin, ibuprofen")


def plan_plainly(page: Page, clinic: Clinic, number: str) -> None:
    page.goto(f"{clinic.url}/people/{number}/plan")
    page.fill("#sessions", "2")
    page.get_by_role("button", name="Show the plan").last.click()
    expect(page.locator("#verdict")).to_have_text("No rule forbids this plan")
    page.get_by_role("button", name="Accept the plan").click()
    expect(page.get_by_text("The plan is accepted")).to_be_visible()


class Keys:
    """Somebody who has no mouse; counts the keys.

    Parameters
    ----------
    page : where.
    """

    def __init__(self, page: Page) -> None:
        self.page, self.count = page, 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.count += 1

    def to(self, selector: str, most: int = 80) -> None:
        """Go on by Tab until something has the focus, and can be seen to have it."""
        for _ in range(most):
            self.press("Tab")
            if self.page.evaluate("(one) => document.activeElement?.matches(one)", selector):
                assert self.page.evaluate(SEEN), selector
                return
        raise AssertionError(f"{selector} was not reached by {most} tabs")


# The focus has a ring, and neither the head of the page nor a bar covers its middle.
SEEN = """() => {
  const one = document.activeElement, style = getComputedStyle(one);
  const box = one.getBoundingClientRect();
  const at = document.elementFromPoint(
    Math.min(Math.max(box.x + box.width / 2, 0), innerWidth - 1),
    Math.min(Math.max(box.y + Math.min(box.height / 2, 20), 0), innerHeight - 1));
  const ring = style.outlineStyle !== "none" || style.boxShadow !== "none";
  return ring && Boolean(at) && (one.contains(at) || at.contains(one));
}"""


def test_a_visit_without_a_mouse_takes_less_than_two_minutes(
    clinic: Clinic, someone: Callable[..., BrowserContext]
) -> None:
    number = clinic.somebody()
    page = someone().new_page()
    page.goto(f"{clinic.url}/people/{number}")
    began = time.monotonic()
    keys = Keys(page)
    keys.to("main a.main")
    keys.press("Enter")
    expect(page.locator(".ae-stage")).to_be_visible()
    keys.to(".ae-stage")
    around = ("2", "Enter", *["Shift+ArrowRight"] * 3, "Enter", *["Shift+ArrowDown"] * 3, "Enter",
              *["Shift+ArrowLeft"] * 3, "Enter", "c")  # fmt: skip
    keys.press(*around)
    expect(page.locator(".ae-table [data-patch=P3]")).to_be_visible()
    keys.to("form#visit button.main", most=120)
    keys.press("Enter")
    expect(page).to_have_url(re.compile(rf"/people/{number}$"))
    seconds = time.monotonic() - began + SECONDS_A_KEY * keys.count
    assert seconds < SECONDS_FOR_A_VISIT, (seconds, keys.count)
    assert len(visits(clinic, number)) == 2


@pytest.mark.parametrize(
    ("address", "action"),
    [
        ("/", "main a.button.main"),
        ("/people", "main a.button.main"),
        ("/people/new", "main form button:last-of-type"),
        ("/people/C-1", "nav.actions a.main"),
        ("/people/C-1/plan", "#protocol"),
        ("/people/C-1/treat", "[data-give]"),
        ("/people/C-1/notes", "main form button"),
        ("/people/C-1/documents", "button[name=make]"),
        ("/explore", "main form button"),
        ("/evidence", "main form button"),
        ("/admin/settings", "main form button"),
        ("/account", "main form button"),
    ],
)
def test_the_main_action_is_reached_by_keyboard(
    clinic: Clinic, someone: Callable[..., BrowserContext], address: str, action: str
) -> None:
    page = someone().new_page()
    page.goto(clinic.url + address)
    Keys(page).to(action)


def test_a_forecast_that_fails_says_why_and_the_page_stays_usable(
    clinic: Clinic, someone: Callable[..., BrowserContext]
) -> None:
    number = clinic.somebody(seen=False)
    page = someone().new_page()
    page.goto(f"{clinic.url}/people/{number}/visit")
    page.locator("[id='seen.salt_percent']").fill("40")
    page.get_by_role("button", name="Save the visit").click()
    expect(page).to_have_url(re.compile(rf"/people/{number}$"))
    panel = page.locator("[data-course] .note.stop")
    expect(panel).to_contain_text("The forecast could not be made", timeout=180_000)
    expect(panel).to_contain_text("Draw the outline of a patch")
    expect(panel.get_by_role("button", name="Try again")).to_be_visible()
    page.get_by_role("link", name="New visit").click()
    expect(page.locator(".ae-stage")).to_be_visible()
