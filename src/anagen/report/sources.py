"""Parameters and references behind a report."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anagen.errors import EvidenceError

if TYPE_CHECKING:
    import xarray as xr

    from anagen.evidence.parameters import Parameter, ParameterSet
    from anagen.evidence.references import Reference


@dataclass(frozen=True)
class Module:
    """Parameters of one module of the model."""

    name: str
    parameters: tuple["Parameter", ...]

    @property
    def assumed(self) -> int:
        """How many of them rest on an assumption, not on a source."""
        return sum(parameter.origin == "assumed" for parameter in self.parameters)


def version_of(course: "xr.Dataset") -> str:
    """Version of the parameter set that made a course; empty when it does not say."""
    for name in ("parameter_set", "parameters", "parameter_version"):
        if course.attrs.get(name):
            return str(course.attrs[name])
    return ""


def parameters_of(course: "xr.Dataset") -> "ParameterSet | None":
    """Parameter set that made a course, or the latest; None when it cannot be read."""
    from anagen.evidence.parameters import LATEST, load_parameters

    version = version_of(course).split("+")[0] or LATEST
    try:
        return load_parameters(version)
    except EvidenceError:
        return None


def modules(parameters: "ParameterSet | None") -> list[Module]:
    """Parameters by module, in the order of their file."""
    groups: dict[str, list[Parameter]] = {}
    if parameters is not None:
        for key, parameter in parameters.parameters.items():
            groups.setdefault(key.split(".")[0], []).append(parameter)
    return [Module(name, tuple(rows)) for name, rows in groups.items()]


def references(keys: Iterable[str]) -> list["Reference"]:
    """Look up the references cited, by key in alphabetical order; assumptions are no reference."""
    from anagen.evidence.references import load_references

    known = load_references()
    cited = sorted({key for key in keys if key and key != "assumed"}, key=str.casefold)
    return [known[key] for key in cited if key in known]
