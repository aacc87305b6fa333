"""The scalp for drawing, and measures of a drawing, over the API."""

import math
from typing import Any

import pytest

RING = [[80 + 15 * math.cos(t / 5), 90 + 15 * math.sin(t / 5)] for t in range(31)]
SHAPE = {"outlines": [{"view": "top", "unit": "mm", "points": RING}], "masks": []}


def test_geometry_maps_space_to_every_view(sqlite_server: Any) -> None:
    answer = sqlite_server.ask("reader", "GET", "/scalp")
    assert answer.status_code == 200
    drawing = answer.json()
    semi = drawing["head"]["semi_axes"]
    for position in drawing["hairline"]:
        ball = math.hypot(*(v / s for v, s in zip(position, semi, strict=True)))
        assert ball == pytest.approx(1, abs=1e-3)
    for view in drawing["views"].values():
        right, down, toward = view["axes"]
        size = (view["width"], view["height"])
        for position in drawing["hairline"]:
            if sum(p * t / s**2 for p, t, s in zip(position, toward, semi, strict=True)) <= 0:
                continue
            for axis, start, side in zip((right, down), view["origin"], size, strict=True):
                at = sum(a * p for a, p in zip(axis, position, strict=True)) - start
                assert -0.1 <= at <= side + 0.1
        (ring,) = view["scalp"]
        assert max(y for _, y in ring) == pytest.approx(view["height"], abs=1)
    assert {mark["name"] for mark in drawing["marks"]} == {"ear_left", "ear_right", "nose"}


def test_geometry_is_sent_once(sqlite_server: Any) -> None:
    first = sqlite_server.ask("reader", "GET", "/scalp?circumference_mm=540")
    mark = first.headers["etag"]
    again = sqlite_server.ask("reader", "GET", "/scalp?circumference_mm=540",
                              headers={"If-None-Match": mark})  # fmt: skip
    assert (again.status_code, again.content) == (304, b"")
    other = sqlite_server.ask("reader", "GET", "/scalp", headers={"If-None-Match": mark})
    assert other.status_code == 200
    assert other.headers["etag"] != mark


def test_measures_of_a_drawing(sqlite_server: Any) -> None:
    bad = {"outlines": [{"view": "top", "points": [[1, 1], [2, 2]]}]}
    asked = {"patches": {"P1": SHAPE, "P2": bad}, "regrowth": {"P1": 50, "P2": None}}
    answer = sqlite_server.ask("clinician", "POST", "/scalp/measure", json=asked)
    assert answer.status_code == 200
    found = answer.json()
    assert 6.5 < found["patches"]["P1"]["area_cm2"] < 8
    assert found["patches"]["P1"]["centroid"]["view"] == "top"
    assert found["salt_percent"] == pytest.approx(50 * found["area_cm2"] / 776, rel=0.02)
    assert found["problems"]["P2"][0]["field"] == "shape.outlines[0]"


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ({"circumference_mm": 90}, "circumference"),
        ({"patches": {"P1": SHAPE}, "regrowth": {"P1": 101}}, "regrowth"),
        ({"patches": {"P1": SHAPE}, "regrowth": {"other": 1}}, "regrowth.other"),
        ({"patches": {"": SHAPE}}, "patches"),
        ({"patches": {"P1": {"outlines": [{"view": "front", "points": []}]}}}, "view"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_its_place(
    sqlite_server: Any, asked: dict[str, Any], place: str
) -> None:
    answer = sqlite_server.ask("reader", "POST", "/scalp/measure", json=asked)
    assert answer.status_code == 422
    assert place in answer.json()["errors"][0]["field"].replace(" ", "_")


def test_nobody_unknown_and_no_researcher_may_measure(sqlite_server: Any) -> None:
    assert sqlite_server.ask(None, "GET", "/scalp").status_code == 401
    assert sqlite_server.ask("researcher", "POST", "/scalp/measure", json={}).status_code == 403


def test_a_head_of_impossible_size_is_refused(sqlite_server: Any) -> None:
    assert sqlite_server.ask("reader", "GET", "/scalp?circumference_mm=100").status_code == 422
