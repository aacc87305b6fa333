"""The scalp editor in a real browser: mouse, finger and keys, undo, identity, drafts."""

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from scalp_strokes import Point, circle, draw, stage


def outline(view: str, x: float, y: float, radius: float) -> dict[str, Any]:
    points = [list(point) for point in circle(x, y, radius, 40)[:-1]]
    return {"outlines": [{"view": view, "unit": "mm", "points": points}], "masks": []}


def value(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.locator("textarea[name=drawing]").input_value())
    return found


def names(page: Page) -> list[str]:
    return [patch["id"] for patch in value(page)["patches"]]


def changes(page: Page) -> list[tuple[str, list[str], list[str]]]:
    return [(c["kind"], c["before"], c["after"]) for c in value(page)["patch_changes"]]


def cells(page: Page, name: str) -> list[str]:
    row = page.locator(f".ae-table tr:has([data-patch={name}])")
    return row.locator("td").all_inner_texts()


def highest(page: Page) -> float:
    (drawn,) = value(page)["patches"][0]["shape"]["outlines"]
    return float(min(y for _, y in drawn["points"]))


@pytest.fixture
def page(site: Any, open_page: Callable[..., Page]) -> Page:
    return open_page(site.address)


def test_a_patch_drawn_with_the_mouse_is_measured_kept_and_sent(site: Any, page: Page) -> None:
    draw(page, circle(0.45, 0.45, 0.08))
    expect(page.locator(".ae-table")).to_contain_text("cm²")
    (patch,) = value(page)["patches"]
    assert patch["id"] == "P1"
    (drawn,) = patch["shape"]["outlines"]
    assert drawn["view"] == "top"
    assert drawn["unit"] == "mm"
    assert changes(page) == [("new", [], ["P1"])]
    expect(page.locator(".ae-figures strong").first).not_to_have_text("0.0")
    area = float(cells(page, "P1")[0].split()[0])
    assert area == pytest.approx(site.measured[-1]["patches"]["P1"]["area_cm2"], abs=0.06)
    page.click("#save")
    expect(page.get_by_text("Kept.")).to_be_visible()
    assert [one["id"] for one in site.sent[0]["patches"]] == ["P1"]
    assert page.errors == []


def test_undo_and_redo_go_all_the_way(page: Page) -> None:
    for x in (0.35, 0.5, 0.65):
        draw(page, circle(x, 0.5, 0.05))
    assert names(page) == ["P1", "P2", "P3"]
    for left in (["P1", "P2"], ["P1"], []):
        page.click("[data-act=undo]")
        assert names(page) == left
    expect(page.locator("[data-act=undo]")).to_be_disabled()
    stage(page).focus()
    for _ in range(3):
        page.keyboard.press("Control+y")
    assert names(page) == ["P1", "P2", "P3"]


def test_a_stroke_that_crosses_itself_and_the_hairline_is_mended(site: Any, page: Page) -> None:
    page.click("[data-view=back]")
    eight = [(0.5 + 0.1 * math.sin(2 * t), 0.4 + 0.1 * math.sin(t)) for t in
             [2 * math.pi * i / 40 for i in range(41)]]  # fmt: skip
    draw(page, eight)
    draw(page, circle(0.5, 0.9, 0.09))
    expect(page.locator(".ae-table tbody tr")).to_have_count(2)
    expect(page.locator(".ae-state")).to_have_text("Measured")
    assert site.measured[-1]["problems"] == {}
    assert set(site.measured[-1]["patches"]) == {"P1", "P2"}


def test_split_and_join_keep_identity(site: Any, open_page: Callable[..., Page]) -> None:
    site.model["previous"] = [{"id": "A", "shape": outline("top", 60, 90, 18)},
                              {"id": "B", "shape": outline("top", 110, 90, 14)}]  # fmt: skip
    site.model["known_ids"] = ["A", "B", "P1"]
    page = open_page(site.address)
    page.click("[data-ghost=all]")
    assert names(page) == ["A", "B"]
    assert changes(page) == []
    before = site_area(page, site, "A")
    draw(page, [(0.22, 0.5), (0.5, 0.53)], "split")
    assert names(page) == ["A", "B", "P2"]
    assert changes(page) == [("split", ["A"], ["A", "P2"])]
    parts = site_area(page, site, "A") + site_area(page, site, "P2")
    assert parts == pytest.approx(before, rel=0.02)
    # A piece of A and all of B cannot be one patch: who came from whom would be lost.
    tap(page, 0.42, 0.57, "merge")
    tap(page, 0.615, 0.52)
    expect(page.locator(".ae-status")).to_contain_text("cannot be joined")
    page.click("[data-act=undo]")
    tap(page, 0.42, 0.5, "merge")
    tap(page, 0.615, 0.52)
    assert names(page) == ["A"]
    assert changes(page) == [("merged", ["A", "B"], ["A"])]
    assert page.errors == []


def site_area(page: Page, site: Any, name: str) -> float:
    expect(page.locator(".ae-state")).to_have_text("Measured")
    return float(site.measured[-1]["patches"][name]["area_cm2"])


def tap(page: Page, x: float, y: float, tool: str | None = None) -> None:
    if tool:
        page.click(f"[data-tool={tool}]")
    box = stage(page).bounding_box()
    assert box
    page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


def test_the_piece_left_of_a_split_bears_the_old_name(
    site: Any, open_page: Callable[..., Page]
) -> None:
    site.model["previous"] = [{"id": "A", "shape": outline("top", 80, 90, 18)}]
    page = open_page(site.address)
    page.click("[data-ghost='same:A']")
    draw(page, [(0.3, 0.52), (0.7, 0.52)], "split")
    assert names(page) == ["A", "P1"]
    page.click("[data-patch=A]")
    page.click("[data-act=remove]")
    assert names(page) == ["A"]
    assert changes(page) == []


def test_gone_and_returned_patches(site: Any, open_page: Callable[..., Page]) -> None:
    site.model["previous"] = [
        {"id": "A", "shape": outline("top", 60, 90, 18)},
        {"id": "B", "shape": outline("top", 110, 90, 14), "state": "gone"},
    ]
    page = open_page(site.address)
    page.click("[data-ghost='gone:A']")
    page.click("[data-ghost='returned:B']")
    draw(page, circle(0.6, 0.5, 0.05), None)
    assert changes(page) == [("returned", [], ["B"]), ("gone", ["A"], [])]


def test_erase_rubs_out_and_leaves_no_hole(site: Any, page: Page) -> None:
    draw(page, circle(0.5, 0.5, 0.12))
    whole = site_area(page, site, "P1")
    page.click("[data-tool=erase]")
    page.locator(".ae-brush input").fill("5")
    draw(page, [(0.5, 0.5), (0.51, 0.51)], None)
    left = site_area(page, site, "P1")
    assert whole - 2.5 < left < whole - 0.5
    (shape,) = [patch["shape"] for patch in value(page)["patches"]]
    assert len(shape["outlines"]) == 1
    assert site.measured[-1]["problems"] == {}
    draw(page, [(0.36, 0.3 + 0.02 * i) for i in range(20)], None)
    assert names(page) == ["P1"]


def test_moving_keeps_the_area(site: Any, page: Page) -> None:
    draw(page, circle(0.45, 0.45, 0.07))
    before = site_area(page, site, "P1")
    draw(page, [(0.45, 0.45), (0.5, 0.5), (0.55, 0.55)], "move")
    assert site_area(page, site, "P1") == pytest.approx(before, rel=0.06)
    middle = site.measured[-1]["patches"]["P1"]["centroid"]
    draw(page, [(0.1, 0.1), (0.15, 0.1)], None)
    assert (middle["x"], middle["y"]) != (0, 0)
    assert changes(page) == [("new", [], ["P1"])]


def test_painted_hair_gives_regrowth(page: Page) -> None:
    draw(page, circle(0.5, 0.5, 0.06))
    page.click("[data-tool=regrowth]")
    page.get_by_label("Vellus").check()
    page.locator(".ae-brush input").fill("20")
    draw(page, [(0.5, 0.5), (0.51, 0.5)], None)
    (patch,) = value(page)["patches"]
    assert patch["regrowth_percent"] == 100
    assert patch["terminal_percent"] == 0
    page.get_by_label("Terminal", exact=True).check()
    page.locator(".ae-brush input").fill("3")
    draw(page, [(0.46, 0.5), (0.54, 0.5)], None)
    (patch,) = value(page)["patches"]
    assert 5 < patch["terminal_percent"] < 60
    page.locator("[data-regrowth=regrowth_percent]").fill("30")
    page.locator("[data-regrowth=regrowth_percent]").press("Enter")
    assert value(page)["patches"][0]["regrowth_percent"] == 30
    page.locator("[data-regrowth=scale]").select_option("rgs")
    page.locator("[data-regrowth=grade]").select_option("2")
    (patch,) = value(page)["patches"]
    assert (patch["regrowth_scale"], patch["regrowth_grade"]) == ("rgs", "2")
    assert "regrowth_percent" not in patch
    assert cells(page, "P1")[3] == "2"


def test_everything_by_keyboard(site: Any, page: Page) -> None:
    stage(page).focus()
    press = page.keyboard.press
    press("2")
    expect(page.locator(".ae-status")).to_have_text("Back.")
    aside, down = ["Shift+ArrowRight"] * 3, ["Shift+ArrowDown"] * 4
    back = ["Shift+ArrowLeft"] * 3
    for keys in ("Enter", "ArrowUp", "Enter", *aside, "Enter", *down, "Enter", *back, "Enter", "c"):
        press(keys)
    assert names(page) == ["P1"]
    assert value(page)["patches"][0]["shape"]["outlines"][0]["view"] == "back"
    for keys in ("s", "ArrowUp", *["Shift+ArrowUp"] * 2, "Shift+ArrowLeft"):
        press(keys)
    press("Enter")
    for _ in range(5):
        press("Shift+ArrowRight")
    press("Enter")
    press("c")
    assert len(names(page)) == 2
    press("Control+z")
    for keys in ("r", "v", "Enter", "Shift+ArrowLeft", "Shift+ArrowLeft", "Enter"):
        press(keys)
    assert value(page)["patches"][0]["regrowth_percent"] > 0
    press("n")
    before = highest(page)
    for keys in ("m", "Shift+ArrowUp"):
        press(keys)
    assert highest(page) < before - 2
    press("e")
    press("Enter")
    press("Shift+ArrowRight")
    press("Enter")
    press("?")
    expect(page.get_by_role("region", name="Keys")).to_be_visible()
    press("Delete")
    assert names(page) == []
    press("u")
    assert names(page) == ["P1"]
    assert page.errors == []


def test_the_keyboard_can_leave_the_drawing(page: Page) -> None:
    stage(page).focus()
    page.keyboard.press("Tab")
    assert not stage(page).evaluate("element => element === document.activeElement")


def test_a_circle_by_numbers(site: Any, page: Page) -> None:
    page.get_by_text("Enter a patch as a circle").click()
    page.click("[data-circle=add]")
    expect(page.locator(".ae-status")).to_contain_text("in mm")
    page.locator("[data-circle=view]").select_option("left")
    for name, number in (("x", "90"), ("y", "60"), ("diameter", "30")):
        page.locator(f"[data-circle={name}]").fill(number)
    page.locator("[data-circle=diameter]").press("Enter")
    assert site.sent == []
    assert 6.8 < site_area(page, site, "P1") < 8.5


def test_a_draft_outlives_the_tab(page: Page) -> None:
    draw(page, circle(0.5, 0.5, 0.06))
    kept = value(page)
    page.reload()
    page.wait_for_selector("html[data-ready=true]")
    assert names(page) == []
    expect(page.locator(".ae-banner")).to_contain_text("was not saved")
    page.get_by_role("button", name="Restore it").click()
    assert value(page) == kept
    page.click("[data-act=undo]")
    assert names(page) == []
    page.reload()
    page.wait_for_selector("html[data-ready=true]")
    draw(page, circle(0.5, 0.5, 0.06))
    page.reload()
    page.get_by_role("button", name="Discard it").click()
    page.reload()
    page.wait_for_selector("html[data-ready=true]")
    expect(page.locator(".ae-banner")).to_be_hidden()


def test_a_drawing_that_was_saved_is_not_offered_again(
    site: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page(site.address)
    draw(page, circle(0.5, 0.5, 0.06))
    page.click("#save")
    expect(page.get_by_text("Kept.")).to_be_visible()
    # The next visit: what was saved is the visit before.
    site.model["previous"] = site.sent[0]["patches"]
    page.goto(site.address)
    page.wait_for_selector("html[data-ready=true]")
    expect(page.locator(".ae-banner")).to_be_hidden()
    page.click("[data-ghost='same:P1']")
    page.click("#save")
    # It did not arrive: the form comes back empty, and the drawing is offered.
    page.goto(site.address)
    draw(page, circle(0.6, 0.6, 0.04))
    page.reload()
    expect(page.locator(".ae-banner")).to_be_visible()


def test_nothing_hinders_those_who_cannot_see_the_drawing(page: Page) -> None:
    from axe_playwright_python.sync_playwright import Axe

    draw(page, circle(0.5, 0.5, 0.06))
    site_state = page.locator(".ae-state")
    expect(site_state).to_have_text("Measured")
    page.click("[data-act=help]")
    for scheme in ("light", "dark"):
        # A colour on its way from one scheme to the other is no contrast to measure.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = Axe().run(page, context="#editor")
        assert found.violations_count == 0, found.generate_report()


def test_measures_stand_while_the_line_is_down(site: Any, page: Page) -> None:
    draw(page, circle(0.45, 0.45, 0.06))
    first = site_area(page, site, "P1")
    page.route("**/scalp/measure", lambda route: route.abort())
    draw(page, circle(0.6, 0.6, 0.06))
    expect(page.locator(".ae-state")).to_contain_text("No connection")
    assert float(cells(page, "P1")[0].split()[0]) == pytest.approx(first, abs=0.06)
    assert cells(page, "P2")[0] == "–"
    assert names(page) == ["P1", "P2"]
    page.unroute("**/scalp/measure")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator(".ae-state")).to_have_text("Measured")
    assert cells(page, "P2")[0] != "–"


def test_a_lost_geometry_can_be_asked_for_again(site: Any, browser: Any) -> None:
    page = browser.new_page()
    page.route("**/scalp", lambda route: route.abort())
    page.goto(site.address)
    expect(page.get_by_role("alert")).to_contain_text("could not be loaded")
    page.unroute("**/scalp")
    page.get_by_role("button", name="Try again").click()
    expect(stage(page)).to_be_visible()
    page.close()


def test_a_patch_on_the_turned_head_lands_in_the_views(site: Any, page: Page) -> None:
    page.click("[data-view=turn]")
    draw(page, circle(0.5, 0.35, 0.06))
    expect(page.locator(".ae-state")).to_have_text("Measured")
    views = {one["view"] for one in value(page)["patches"][0]["shape"]["outlines"]}
    assert views <= {"top", "back", "left", "right"}
    assert site.measured[-1]["problems"] == {}
    area = site_area(page, site, "P1")
    box = stage(page).bounding_box()
    assert box
    page.click("[data-tool=hand]")
    draw(page, [(0.5, 0.5), (0.7, 0.5)], None)
    stage(page).focus()
    page.keyboard.press("ArrowLeft")
    assert site_area(page, site, "P1") == area
    assert page.errors == []


def test_fingers_draw_and_pinch_at_390_pixels(site: Any, open_page: Callable[..., Page]) -> None:
    page = open_page(
        site.address, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    small = page.evaluate(
        """() => [...document.querySelectorAll('#editor button, #editor select, #editor summary')]
        .filter(e => e.offsetParent)
        .map(e => [e.textContent || e.ariaLabel, e.getBoundingClientRect()])
        .filter(([, b]) => b.width < 43.5 || b.height < 43.5).map(([n]) => n)"""
    )
    assert small == []
    touch = page.context.new_cdp_session(page)

    def send(kind: str, *points: Point) -> None:
        box = stage(page).bounding_box()
        assert box
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [
            {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"], "id": i}
            for i, (x, y) in enumerate(points)]})  # fmt: skip

    stage(page).scroll_into_view_if_needed()
    ring = circle(0.5, 0.5, 0.1)
    send("touchStart", ring[0])
    for point in ring[1:]:
        send("touchMove", point)
    send("touchEnd")
    assert names(page) == ["P1"]
    # A second finger never draws: it takes hold of the picture.
    send("touchStart", (0.4, 0.5))
    send("touchStart", (0.4, 0.5), (0.6, 0.5))
    for i in range(1, 6):
        send("touchMove", (0.4 - 0.03 * i, 0.5), (0.6 + 0.03 * i, 0.5))
    send("touchEnd")
    assert names(page) == ["P1"]
    for place in ((0.2, 0.3), (0.3, 0.3), (0.25, 0.4)):
        send("touchStart", place)
        send("touchEnd")
    expect(page.locator(".ae-hint").first).to_contain_text("3 points")
    send("touchStart", (0.2, 0.3))
    send("touchEnd")
    assert names(page) == ["P1", "P2"]
    small_one = site_area(page, site, "P2")
    assert 0.05 < small_one < 10
    assert page.errors == []


def test_only_the_stroke_is_drawn_again_while_drawing(page: Page) -> None:
    for x in (0.35, 0.5, 0.65):
        draw(page, circle(x, 0.4, 0.06))
    # What the server says of them is drawn too, so it is waited for.
    expect(page.locator(".ae-state")).to_have_text("Measured")
    page.wait_for_load_state("networkidle")
    # Work of one frame: only the layer of the stroke is drawn again.
    drawn = page.evaluate(
        """async () => {
          const host = document.querySelector('.ae-stage');
          const box = host.getBoundingClientRect();
          const counts = [...host.querySelectorAll('canvas')].map(() => 0);
          [...host.querySelectorAll('canvas')].forEach((canvas, i) => {
            const context = canvas.getContext('2d'), plain = context.clearRect;
            context.clearRect = (...a) => { counts[i] += 1; plain.apply(context, a); };
          });
          const send = (type, x, y) => host.dispatchEvent(new PointerEvent(type, {pointerId: 1,
            isPrimary: true, clientX: box.x + x * box.width, clientY: box.y + y * box.height,
            bubbles: true, button: type === 'pointermove' ? -1 : 0}));
          host.setPointerCapture = () => {};
          send('pointerdown', 0.4, 0.7);
          for (let i = 0; i < 20; i += 1) {
            for (let k = 0; k < 5; k += 1) send('pointermove', 0.4 + 0.01 * i + 0.002 * k, 0.7);
            await new Promise(requestAnimationFrame);
          }
          return counts;
        }"""
    )
    head, patches, live = drawn
    assert (head, patches) == (0, 0)
    assert 15 <= live <= 25


def test_words_come_from_the_server(site: Any, open_page: Callable[..., Page]) -> None:
    site.model["texts"] = {"draw": "Zeichnen", "none_yet": "Noch nichts <b>"}
    page = open_page(site.address)
    expect(page.locator("[data-tool=draw]")).to_have_text("Zeichnen")
    expect(page.locator(".ae-table")).to_contain_text("Noch nichts <b>")


def test_what_is_not_drawn_here_stays_as_it_was(site: Any, open_page: Callable[..., Page]) -> None:
    seen = [
        {"id": "A", "shape": outline("top", 60, 90, 18), "atrophy_grade": 1, "note": "soft"},
        {"id": "B", "site": "brow", "activity": "stable"},
    ]
    site.model["visit_patches"] = seen
    page = open_page(site.address)
    draw(page, circle(0.65, 0.5, 0.05))
    first, second, _ = value(page)["patches"]
    assert (first["atrophy_grade"], first["note"]) == (1, "soft")
    assert second == seen[1]
