"""Sobol indices and what calibration learnt."""

import numpy as np

from anagen.population.posterior import load_posterior
from anagen.population.sensitivity import learnt, sobol
from anagen.population.variability import calibrated_traits, load_traits


def test_traits_that_a_quantity_does_not_feel_have_no_share() -> None:
    found = {one.outcome: one for one in sobol(base=32, seed=1)}
    assert len(found) == 5
    thinning = found["greatest thinning, three sessions of 5 mg/mL"]
    alone = found["regrowth at week 52, untreated"]
    assert list(thinning.total) == [trait.key for trait in load_traits()]
    for key in ("plasma.clearance", "cortisol.half_effect"):
        assert abs(thinning.total[key]) < 1e-6
    for key in ("depot.radius", "skin.half_effect"):
        assert abs(alone.total[key]) < 1e-6
    strongest = max(thinning.total, key=thinning.total.get)
    assert strongest.startswith(("skin.", "depot.", "dermis."))
    assert max(alone.total, key=alone.total.get) == "immunity.tolerance_time"


def test_learnt_says_how_much_of_the_prior_is_gone() -> None:
    rows = learnt()
    assert len(rows) == 2 * len(calibrated_traits())
    for row in rows:
        assert row.prior[0] < row.prior[1] < row.prior[2]
        assert row.posterior[0] < row.posterior[1] < row.posterior[2]
        assert row.contraction < 1.0
    draws = np.exp(load_posterior().draws["median"][:, 0])
    assert np.isclose(rows[0].posterior[1], np.median(draws), rtol=1e-3)
