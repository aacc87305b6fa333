"""One clinic from its first start to a leaflet, as its doctor lives it, on what is installed."""

import re
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from console_clinic import Watched, watch
from installed import Installed, InstalledServer
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Response, expect
from scalp_strokes import circle, draw

PASSWORD = "four brown hens"
NUMBER, NAME = "J-1", "Josephine Example"
TODAY = date.today()
# Twelve weeks and two days ago, so that the gate at week 12 is reached.
FIRST, SECOND = TODAY - timedelta(days=86), TODAY - timedelta(days=44)
SECONDS_TO_COMPUTE = 180
# Such as: week 4, 26 Sep 2026, 12 (1.9–34) % with the plan.
_ROW = re.compile(r"week (\d+), [^\t]+\t[\d.]+ \(([\d.]+)–([\d.]+)\) %")


@pytest.fixture(scope="module")
def server(
    installed: Installed, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[InstalledServer]:
    """`anagen serve` on an empty folder."""
    folder = tmp_path_factory.mktemp("journey")
    made = InstalledServer(installed, folder / "record", folder / "server.log")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(
        viewport={"width": 1280, "height": 900}, locale="en-GB", reduced_motion="reduce"
    )
    made.set_default_timeout(60_000)
    yield made
    made.close()


def main(page: Page) -> Locator:
    """What the page is about, without its head."""
    return page.locator("main")


def wait_for_results(page: Page) -> None:
    """Wait until nothing is computed any more."""
    page.wait_for_function(
        "() => !document.querySelector('[data-working], [data-state=active], [data-ask]')",
        timeout=1000 * SECONDS_TO_COMPUTE,
    )


def first_start(page: Page, server: InstalledServer) -> None:
    page.goto(server.url)
    expect(page).to_have_url(f"{server.url}/setup")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    main(page).get_by_label("Code").fill("0000-0000-0000-0000-0000")
    main(page).get_by_label("Your name").fill("Ada Berg")
    main(page).get_by_label("Account").fill("ada")
    main(page).get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the first account").click()
    # Refused, and only the secrets are to be typed again.
    expect(main(page).get_by_role("alert")).to_contain_text("setup code")
    expect(main(page).get_by_label("Account")).to_have_value("ada")
    main(page).get_by_label("Code").fill(server.code)
    main(page).get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the first account").click()
    expect(page).to_have_url(f"{server.url}/sign-in")


def sign_in(page: Page, server: InstalledServer) -> None:
    main(page).get_by_label("Account").fill("ada")
    main(page).get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{server.url}/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Today")


def take_in(page: Page) -> None:
    page.get_by_role("link", name="New person").click()
    form = page.locator("form.card")
    form.get_by_label("Number").fill(NUMBER)
    form.get_by_label("Name").fill(NAME)
    form.get_by_label("Date of birth").fill("1990-05-17")
    form.get_by_label("Sex").select_option("female")
    form.get_by_label("Weight").fill("62,5")
    form.get_by_label("Hair loss began").fill((FIRST - timedelta(days=60)).isoformat())
    for name in ("Diseases", "Medicines", "Allergies"):
        form.get_by_label(name).fill("none")
    for name in ("Pregnant", "Breast-feeding"):
        form.get_by_label(name).select_option("no")
    form.get_by_role("button").last.click()
    expect(page).to_have_url(re.compile(f"/people/{NUMBER}$"))
    expect(page.get_by_role("heading", level=1)).to_have_text(NAME)


def first_visit(page: Page) -> None:
    """Two patches: one on the crown, one across the border to the right side."""
    page.get_by_role("link", name="New visit").click()
    expect(page.locator(".ae-stage")).to_be_visible()
    page.get_by_label("Day of the visit").fill(FIRST.isoformat())
    with page.expect_response("**/scalp/measure"):
        draw(page, circle(0.45, 0.45, 0.07))
    with page.expect_response("**/scalp/measure") as measured:
        draw(page, circle(0.735, 0.5, 0.05))
    found = measured.value.json()
    assert found["problems"] == {}
    assert set(found["patches"]) == {"P1", "P2"}
    assert min(found["patches"]["P2"]["regions"].values()) > 5
    assert set(found["patches"]["P2"]["regions"]) == {"top", "right"}
    # What is judged by patch is asked at the very first visit too.
    row = page.locator(".patch-row[data-patch=P1]")
    if row.get_attribute("open") is None:
        row.locator("summary").click()
    row.get_by_role("combobox", name="Activity").select_option("active")
    save_visit(page)


def save_visit(page: Page) -> None:
    page.get_by_role("button", name="Save the visit").click()
    expect(page).to_have_url(re.compile(f"/people/{NUMBER}$"))


def foreseen(page: Page, origin: date) -> dict[date, float]:
    """Width of the 80 % interval of the first patch's regrowth by day [%], as the page says."""
    page.goto(page.url.partition("/people")[0] + f"/people/{NUMBER}")
    wait_for_results(page)
    curve = page.locator(".multiples figure.curve", has_text="P1").first
    curve.locator("summary").click()
    rows = curve.locator("table").last.locator("tbody tr").all_inner_texts()
    found = [_ROW.match(row) for row in rows]
    widths = {origin + timedelta(weeks=int(one[1])): float(one[3]) - float(one[2])
              for one in found if one}  # fmt: skip
    assert len(widths) >= 5, rows
    return widths


def narrower(before: dict[date, float], after: dict[date, float]) -> bool:
    """Whether the same day is foreseen more surely than before."""
    day = min(after)
    last = max(one for one in before if one <= day)
    next_one = min(one for one in before if one >= day)
    share = (day - last) / (next_one - last) if next_one > last else 0.0
    return after[day] < before[last] + share * (before[next_one] - before[last])


def plan(page: Page) -> None:
    """A plan that a rule forbids, with the reason; then one within the limits, accepted."""
    page.get_by_role("navigation", name="What to do").get_by_role("link", name="Plan").click()
    expect(page.locator("#verdict")).to_have_text("No rule forbids this plan")
    sites = page.locator(".close-up [data-movable]")
    assert sites.count() > page.locator(".close-up").count()
    # One stop of the Tab key for each patch, once the page's script has seen to it.
    stops, patches = page.locator(".close-up [tabindex='0']"), page.locator(".close-up").count()
    expect(stops).to_have_count(patches)
    sites.first.focus()
    page.keyboard.press("n")
    expect(sites.nth(1)).to_be_focused()
    page.locator("#spacing_mm").fill("4")
    expect(page.locator("#verdict")).to_contain_text("forbids this plan")
    finding = page.locator(".findings li.block").first
    expect(finding).to_contain_text("never closer than 5 mm")
    page.get_by_role("button", name="Accept the plan").click()
    expect(main(page).get_by_role("alert").first).to_contain_text("Nothing was kept yet")
    page.locator("#spacing_mm").fill("")
    page.locator("#sessions").fill("3")
    page.locator("#start").fill(FIRST.isoformat())
    expect(page.locator("#verdict")).to_have_text("No rule forbids this plan")
    wait_for_results(page)
    expect(page.get_by_text("Chance of half regrown").first).to_be_visible()
    page.get_by_role("button", name="Accept the plan").click()
    expect(page.get_by_text("The plan is accepted")).to_be_visible()


def treat(page: Page) -> None:
    """Every site is given but one, which is skipped with its reason."""
    page.get_by_role("link", name="Begin the session").click()
    rows = page.locator("[data-row]")
    expect(rows.first).to_be_visible()
    count = rows.count()
    assert count >= 5
    page.locator("#lot").fill("AB1234")
    page.locator("#expiry").fill((TODAY + timedelta(days=365)).isoformat())
    page.locator("#date").fill(FIRST.isoformat())
    bar = page.locator("[data-bar]")
    bar.get_by_role("button", name="Skip").click()
    rows.first.get_by_role("radio", name="too painful").check()
    for _ in range(count - 1):
        bar.get_by_role("button", name="Given").click()
    expect(bar).to_contain_text(f"{count}/{count}")
    page.locator("fieldset.pain").get_by_role("radio", name="4", exact=True).check()
    page.locator("#signed_by").fill("AB")
    page.get_by_role("button", name="Finish and sign").click()
    expect(page.get_by_text("The session is kept")).to_be_visible()
    expect(main(page)).to_contain_text(f"{count - 1} sites of {count}")


def look_again(page: Page, day: date, regrowth: dict[str, str]) -> None:
    """A visit at which the patches are where they were, with more hair."""
    page.goto(page.url.partition("/people")[0] + f"/people/{NUMBER}/visit")
    expect(page.locator(".ae-stage")).to_be_visible()
    page.get_by_label("Day of the visit").fill(day.isoformat())
    if page.locator("[data-ghost=all]").is_visible():
        page.click("[data-ghost=all]")
    for name, percent in regrowth.items():
        page.click(f".ae-table [data-patch={name}]")
        page.locator("[data-regrowth=regrowth_percent]").fill(percent)
        page.locator("[data-regrowth=regrowth_percent]").press("Enter")
    save_visit(page)


def gate_reached(page: Page) -> None:
    """The day's list says that the gate at week 12 is to be judged."""
    page.get_by_role("link", name="Today").click()
    listed = page.locator("section[aria-labelledby=gates]")
    expect(listed).to_contain_text(NAME)
    expect(listed).to_contain_text("week 12")
    listed.get_by_role("link", name="review").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Review")


def gate_judged(page: Page) -> None:
    """After the visit the review says how the gate at week 12 went, and what to do."""
    page.get_by_role("navigation", name="What to do").get_by_role("link", name="Review").click()
    wait_for_results(page)
    week = page.locator("table.gates tbody tr", has_text="12").first
    expect(week).to_contain_text("70 %")
    expect(week.locator(".tag")).to_have_text("passed")
    page.get_by_label("Why").fill("It goes well.\nNo harm.")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_text("The decision was kept as a note.")).to_be_visible()


def leaflet(page: Page, context: BrowserContext) -> None:
    """The patient's leaflet opens as PDF in a tab of its own."""
    files: list[Response] = []

    def answered(response: Response) -> None:
        if response.headers.get("content-type", "").startswith("application/pdf"):
            files.append(response)

    context.on("response", answered)
    page.goto(page.url.partition("/people")[0] + f"/people/{NUMBER}/documents")
    with context.expect_page():
        page.get_by_role("button", name="Patient leaflet: open PDF").click()
    for _ in range(SECONDS_TO_COMPUTE):
        if files:
            break
        page.wait_for_timeout(1000)
    assert files, "no PDF came"
    assert files[0].status == 200
    raw = page.request.get(files[0].url).body()
    assert raw.startswith(b"%PDF-")
    assert len(raw) > 10_000
    assert NAME.replace(" ", "") not in files[0].headers.get("content-disposition", "")


def test_from_the_first_start_to_the_leaflet(
    server: InstalledServer, context: BrowserContext
) -> None:
    page = context.new_page()
    seen: Watched = watch(page)
    first_start(page, server)
    sign_in(page, server)
    take_in(page)
    first_visit(page)
    before = foreseen(page, FIRST)
    plan(page)
    treat(page)
    look_again(page, SECOND, {"P1": "35", "P2": "30"})
    assert narrower(before, foreseen(page, SECOND))
    gate_reached(page)
    look_again(page, TODAY, {"P1": "70", "P2": "65"})
    gate_judged(page)
    leaflet(page, context)
    seen.check()
    assert server.faults() == []
