from collections.abc import Iterator

import jax
import pytest

from anagen.biology.depot import Depot
from anagen.biology.dermis import Dermis
from anagen.evidence.parameters import ParameterSet, load_parameters


@pytest.fixture
def double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


@pytest.fixture
def parameters() -> ParameterSet:
    return load_parameters()


@pytest.fixture
def depot(parameters: ParameterSet, double: None) -> Depot:
    return Depot.from_parameters(parameters)


@pytest.fixture
def dermis(parameters: ParameterSet, double: None) -> Dermis:
    return Dermis.from_parameters(parameters)
