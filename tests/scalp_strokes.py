"""Strokes on the scalp editor, as a hand makes them."""

import math
from collections.abc import Sequence

from playwright.sync_api import Locator, Page

Point = tuple[float, float]


def circle(x: float, y: float, radius: float, count: int = 28) -> list[Point]:
    """Points around a circle, as shares of the stage."""
    turns = [2 * math.pi * i / count for i in range(count + 1)]
    return [(x + radius * math.cos(t), y + radius * math.sin(t)) for t in turns]


def stage(page: Page) -> Locator:
    """Where one draws."""
    return page.locator(".ae-stage")


def draw(page: Page, points: Sequence[Point], tool: str | None = "draw") -> None:
    """Draw with the mouse; points as shares of the stage."""
    if tool:
        page.click(f"[data-tool={tool}]")
    stage(page).scroll_into_view_if_needed()
    box = stage(page).bounding_box()
    assert box
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place)
    page.mouse.up()
