"""The calibrated population that the package carries."""

import hashlib
import json
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from anagen.errors import EvidenceError
from anagen.population import posterior as module
from anagen.population.posterior import (
    LATEST_POSTERIOR,
    Posterior,
    load_posterior,
    read_posterior,
    save_posterior,
)
from anagen.population.variability import calibrated_traits, effects


def test_chains_agree_and_every_number_has_enough_draws() -> None:
    for name, row in load_posterior().about["diagnostics"].items():
        assert max(row["r_hat"]) < 1.01, name
        assert min(row["effective"]) > 400, name


def test_the_file_is_small_and_says_what_made_it() -> None:
    file = resources.files("anagen.evidence") / "data" / "population" / f"{LATEST_POSTERIOR}.npz"
    assert len(file.read_bytes()) < 2_000_000
    about = load_posterior().about
    assert "make calibrate" in about["command"]
    assert str(about["seed"]) in about["command"]
    assert about["version"] == LATEST_POSTERIOR
    assert about["divergences"] <= 0.005 * about["chains"] * about["draws_a_chain"]


def test_arms_recalled_from_memory_are_not_used() -> None:
    from anagen.evidence.published import load_arms

    recalled = {(arm.study_id, arm.arm) for arm in load_arms() if arm.quote_status == "memory"}
    used = {tuple(row) for row in load_posterior().about["arms"]}
    assert used
    assert not used & recalled


def test_draws_have_one_number_for_every_trait_and_effect() -> None:
    posterior = load_posterior()
    assert posterior.draws["median"].shape == (len(posterior), len(calibrated_traits()))
    assert posterior.draws["effect"].shape == (len(posterior), len(effects()))
    assert all(np.isfinite(values).all() for values in posterior.draws.values())
    point = posterior.population(0)
    assert (np.asarray(point.spread) > 0).all()
    assert len(posterior.points(7)) == 7


def test_saving_again_gives_the_same_bytes(tmp_path: Path) -> None:
    posterior = load_posterior()
    small = Posterior({k: v[:20] for k, v in posterior.draws.items()}, posterior.about)
    digests = set()
    for name in ("one.npz", "two.npz"):
        save_posterior(small, tmp_path / name)
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1
    again = read_posterior((tmp_path / "one.npz").read_bytes(), "one")
    assert np.allclose(again.draws["tau"], small.draws["tau"])
    assert json.dumps(again.about, sort_keys=True) == json.dumps(small.about, sort_keys=True)


def test_a_posterior_of_other_traits_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = (
        resources.files("anagen.evidence") / "data" / "population" / f"{LATEST_POSTERIOR}.npz"
    ).read_bytes()
    monkeypatch.setattr(module, "calibrated_traits", lambda: calibrated_traits()[:-1])
    with pytest.raises(EvidenceError, match="make calibrate"):
        read_posterior(content, "other")


def test_a_version_that_does_not_exist_is_named() -> None:
    with pytest.raises(EvidenceError, match="1999"):
        load_posterior("1999")
