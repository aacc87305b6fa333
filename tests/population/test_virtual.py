"""Virtual people have traits of the calibrated population, however they are chunked."""

import numpy as np

from anagen.population.covariates import draw_covariates, select
from anagen.population.posterior import load_posterior
from anagen.population.variability import calibrated_traits, load_traits
from anagen.population.virtual import trait_units, traits_of


def test_a_person_is_the_same_in_any_chunk() -> None:
    draw = traits_of()
    people = draw_covariates(300, 4)
    whole = draw(people, 4, 0)
    part = draw(select(people, np.arange(100, 200)), 4, 100)
    for key, values in whole.items():
        assert (values[100:200] == part[key]).all()


def test_traits_are_those_of_the_posterior() -> None:
    people = draw_covariates(20_000, 5)
    traits = traits_of()(people, 5, 0)
    assert list(traits) == [trait.key for trait in load_traits()]
    assert trait_units()["depot.radius"] == "mm"
    posterior = load_posterior()
    free = [t for t in calibrated_traits() if t.loading == 0.0 and t.key != "skin.half_effect"]
    for trait in free:
        column = calibrated_traits().index(trait)
        expected = posterior.draws["median"][:, column].mean()
        assert abs(np.log(np.median(traits[trait.key])) - expected) < 0.1
        assert (traits[trait.key] >= trait.low).all()


def test_another_seed_is_other_people() -> None:
    people = draw_covariates(50, 4)
    one, other = traits_of()(people, 4, 0), traits_of()(people, 5, 0)
    assert (one["depot.radius"] != other["depot.radius"]).all()
