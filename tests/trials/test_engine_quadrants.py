import numpy as np
import pytest
from trials.engine_cases import arm, patches, treatment, trial

from anagen.errors import InputError
from anagen.population.layout import lattice_sites, layout_of
from anagen.population.person import Outcome
from anagen.trials import stepped
from anagen.trials.protocol import Eligibility, Range
from anagen.trials.quadrants import least_diameter, quartered
from anagen.trials.run_chunk import run_chunk
from anagen.trials.stepped import Plan, follow_stepped

WEEKS, COUNT = 8, 24
STRENGTHS = (0.0, 2.5, 10.0)


def followed(*choice: int) -> Outcome:
    shape = (COUNT, 4, 2)
    plan = Plan(np.broadcast_to(np.array([0, 28]), shape),
                np.broadcast_to(np.array(choice)[:, None], shape))  # fmt: skip
    return follow_stepped(patches(COUNT, diameters=(40.0,)), STRENGTHS, plan, WEEKS)


def test_the_spread_keeps_what_is_there_and_an_even_state_even() -> None:
    patch = quartered(40.0, 10.0).classes
    whole = patch.whole
    spread = np.asarray(whole.back) @ np.diag(np.asarray(whole.rate)) @ np.asarray(whole.forward)
    used = np.asarray(whole.area) > 0
    assert np.abs(np.asarray(whole.area) @ spread).max() < 1e-3
    assert np.abs(spread[used][:, used].sum(1)).max() < 1e-4
    quarter = np.asarray(patch.area).sum(1)
    np.testing.assert_allclose(quarter, quarter[0])
    np.testing.assert_allclose(np.asarray(patch.share).sum(1), 1.0, rtol=1e-5)


def test_equal_quadrants_are_the_whole_patch(monkeypatch: pytest.MonkeyPatch) -> None:
    same = followed(2, 2, 2, 2)
    steps = np.array([-15.0, -5.0, 5.0, 15.0])
    sites = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    sites = sites[np.hypot(*sites.T) <= 20.0]
    monkeypatch.setattr(
        stepped, "build_layout", lambda mm, spacing: layout_of(mm / 2, sites, spacing)
    )
    shape = (COUNT, 1, 2)
    plan = Plan(np.broadcast_to(np.array([0, 28]), shape), np.full(shape, 2))
    whole = follow_stepped(patches(COUNT, diameters=(40.0,)), STRENGTHS, plan, WEEKS)
    np.testing.assert_allclose(same.cover[:, :1], same.cover[:, 1:2], atol=2e-3)
    np.testing.assert_allclose(same.cover.mean(1), whole.cover[:, 0], atol=0.04)
    np.testing.assert_allclose(same.thinnest.mean(1), whole.thinnest[:, 0], atol=0.02)
    np.testing.assert_allclose(same.cover.mean((0, 1)), whole.cover.mean((0, 1)), atol=0.006)


def test_drug_spills_over_the_border_and_the_attack_too() -> None:
    mixed, saline, strong = followed(2, 1, 0, 0), followed(0, 0, 0, 0), followed(2, 2, 2, 2)
    end = mixed.cover[:, :, -1].mean(0)
    assert end[0] > end[1] > end[2] + 0.05
    # The saline quadrant beside the strong one has a little more than one among saline,
    # the strong one a little less than among strong ones.
    assert (mixed.cover[:, 2] >= saline.cover[:, 2] - 1e-4).all()
    assert end[2] > saline.cover[:, 2, -1].mean() + 1e-5
    assert end[0] < strong.cover[:, 0, -1].mean()
    assert mixed.thinnest[:, 3, -1].mean() > 0.99


def test_a_quadrant_trial_reads_every_quadrant() -> None:
    arms = (arm("strong", treatment(10.0)), arm("weak", treatment(2.5)),
            arm("saline", treatment(0.0, product="saline")))  # fmt: skip
    wide = Eligibility(patch_diameter_mm=Range(low=37.0, high=43.0))
    protocol = trial(*arms, design="within", unit="quadrant", people=20, weeks=8, eligibility=wide)
    chunk = run_chunk(protocol, 0, 0, 20)
    assert chunk.sizes["unit"] == 80
    end, own = chunk.regrowth.values[:, -1], chunk.arm.values
    mean = [float(end[own == number].mean()) for number in range(3)]
    assert mean[0] > mean[1] > mean[2]
    assert set(chunk.quadrant.values) == {0, 1, 2, 3}
    assert set(chunk.arm.values) == {-1, 0, 1, 2}
    mg = chunk.mg.values
    np.testing.assert_allclose(mg[chunk.arm.values == 0], 4.0 * mg[chunk.arm.values == 1])
    assert (mg[chunk.arm.values < 0] == 0).all()
    alone = run_chunk(protocol, 0, 0, 20, isolated=True)
    np.testing.assert_array_equal(alone.mg, chunk.mg)
    spilled = (chunk.regrowth - alone.regrowth).values[:, -1]
    assert spilled[own == 0].mean() < 0.0
    assert spilled[own == 2].mean() > 0.0
    later = run_chunk(protocol, 0, 12, 8)
    np.testing.assert_array_equal(later.regrowth, chunk.regrowth[48:])
    people = chunk.regrowth.values[:, -1].reshape(20, 4)
    order = chunk.arm.values.reshape(20, 4)
    strong, weak = people[order == 0], people[order == 1]
    assert np.corrcoef(strong, weak)[0, 1] > 0.4


def test_small_patches_have_no_quadrants() -> None:
    assert least_diameter(10.0) == 20.0
    assert quartered(20.0, 10.0).sites == 1
    assert len(lattice_sites(10.0, 10.0)) >= 3
    arms = [arm(f"a{number}", treatment(float(number))) for number in range(5)]
    with pytest.raises(InputError, match="at most four"):
        run_chunk(trial(*arms, design="within", unit="quadrant"))
    spaced = (arm("a", treatment()), arm("b", treatment(spacing_mm=15.0)))
    with pytest.raises(InputError, match="spacing"):
        run_chunk(trial(*spaced, design="within", unit="quadrant"))
