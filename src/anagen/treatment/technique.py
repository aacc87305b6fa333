"""Numbers of technique: bounds of the plausible, geometry and equipment, from `technique.toml`."""

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anagen.evidence.parameters import Parameter, ParameterSet


@lru_cache(maxsize=1)
def load_technique() -> "ParameterSet":
    """Load the numbers of technique that the package carries.

    Returns
    -------
    ParameterSet
        Rows such as ``injection.strength`` whose ``low`` and ``high`` are the bounds of what can
        be meant, and ``syringe_luer_lock.dead_volume`` whose ``value`` is the number itself.

    Raises
    ------
    EvidenceError
        When a row lacks its unit, origin or source.

    Examples
    --------
    >>> load_technique()["injection.strength"].unit
    'mg/mL'
    """
    from importlib import resources

    from anagen.evidence.parameters import parse_parameters

    file = resources.files("anagen.evidence") / "data" / "technique.toml"
    return parse_parameters(file.read_text(encoding="utf-8"), "technique")


def technique(key: str) -> float:
    """Value of one number of technique, in the unit of its row.

    Parameters
    ----------
    key : module and name, for example ``placement.tolerance``.

    Examples
    --------
    >>> technique("syringe_luer_lock.volume")
    1.0
    """
    return load_technique()[key].value


def bounds(key: str) -> "Parameter":
    """Row of ``technique.toml`` whose ``low`` and ``high`` bound what can be meant.

    Examples
    --------
    >>> bounds("injection.strength").high
    40.0
    """
    return load_technique()[key]
