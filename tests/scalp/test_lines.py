"""Lines on the surface: the hairline encloses the scalp, borders part the regions."""

import numpy as np
import pytest

from anagen.scalp import build_scalp, frame, project
from anagen.scalp.lines import hairline_ring, region_borders
from anagen.scalp.surface import beyond_hairline
from anagen.scalp.views import VIEWS, camera


def test_the_hairline_is_where_the_scalp_ends_and_runs_around_it_to_the_left() -> None:
    scalp = build_scalp()
    ring = hairline_ring(scalp.head)
    assert np.abs(beyond_hairline(scalp.head, ring)).max() < 1e-6
    # Counter-clockwise from above: the scalp, which lies around the top, is to its left.
    ahead = np.roll(ring, -1, axis=0)
    assert np.sum(ring[:, 0] * ahead[:, 1] - ring[:, 1] * ahead[:, 0]) > 0


def test_borders_run_between_two_regions() -> None:
    scalp = build_scalp()
    borders = region_borders(scalp)
    assert len(borders) == 3
    for line in borders:
        assert beyond_hairline(scalp.head, line).max() <= 0
        for position in line[:: len(line) // 8]:
            near = np.linalg.norm(scalp.position - position, axis=1) < 7
            assert len(set(scalp.region[near])) >= 2


def test_borders_are_smooth_and_each_is_there_once() -> None:
    scalp = build_scalp()
    borders = region_borders(scalp)
    for line in borders:
        step = np.diff(line, axis=0)
        step /= np.linalg.norm(step, axis=1, keepdims=True)
        assert np.sum(step[1:] * step[:-1], axis=1).min() > 0.7
    for i, one in enumerate(borders):
        for other in borders[i + 1 :]:
            apart = np.linalg.norm(one[:, None] - other[None], axis=2).min(axis=1)
            assert np.mean(apart < 2) < 0.2


def test_left_and_right_borders_mirror_each_other() -> None:
    scalp = build_scalp()
    left, right, _ = region_borders(scalp)
    mirrored = left * [-1.0, 1.0, 1.0]
    apart = np.linalg.norm(mirrored[:, None] - right[None], axis=2).min(axis=1)
    assert apart.max() < 2.5


@pytest.mark.parametrize("view", VIEWS)
def test_a_camera_tells_what_project_does(view: str) -> None:
    scalp = build_scalp()
    axes, origin = camera(scalp, view)
    assert np.allclose(axes @ axes.T, np.eye(3))
    picture = scalp.position @ axes[:2].T - origin
    assert np.allclose(picture, project(scalp, scalp.position, view))
    near = scalp.normal @ axes[2] > 0
    assert np.all(picture[near] <= np.array(frame(scalp, view)) + 1e-6)
