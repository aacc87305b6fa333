"""Products: what is in the vial, where its label lets it go, and how it dissolves, with sources."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal, get_args

from anagen.errors import EvidenceError, InputError, Problem
from anagen.evidence.rows import (
    Provenance,
    Quantity,
    check_fields,
    parse_provenance,
    parse_quantity,
    read_table,
)

Form = Literal["suspension", "solution"]
Role = Literal["steroid", "control", "diluent"]
StrengthBasis = Literal["drug", "active"]

_PROVENANCE = frozenset({"origin", "source", "locator"})
_DRUG_QUANTITIES = {
    "molecular_weight": "g/mol",
    "relative_affinity": "1",
    "solubility": "ug/mL",
    "crystal_density": "g/cm^3",
}
_PRODUCT_QUANTITIES = {
    "strength": "mg/mL",
    "crystal_diameter": "um",
    "soluble_share": "1",
    "benzyl_alcohol": "mg/mL",
    "vial_volume": "mL",
    "use_after_mixing": "hour",
}
_WORDS = frozenset({"name", "form", "roles", "routes", "forbidden_routes", "excipients"})


@dataclass(frozen=True)
class Drug:
    """A steroid as a substance.

    Parameters
    ----------
    key, name : ``triamcinolone_hexacetonide`` and its name in words.
    active : key of the substance that binds the receptor; the drug itself unless a prodrug.
    quantities : molecular weight [g/mol]; affinity to the receptor relative to
        dexamethasone = 100, where the substance binds itself; solubility [ug/mL] in body fluid at
        37 C and density [g/cm3] of its crystals, where it forms any.
    """

    key: str
    name: str
    active: str
    quantities: Mapping[str, Quantity] = field(hash=False)

    @property
    def prodrug(self) -> bool:
        """Whether tissue must split the drug before it acts."""
        return self.active != self.key


@dataclass(frozen=True)
class Product:
    """A preparation as it comes in its vial.

    Parameters
    ----------
    key : name used in records, for example ``ta10``.
    name : the preparation in words.
    drug : name of the steroid; empty when there is none.
    active : name of the substance that binds the receptor; empty when there is none.
    form : ``suspension`` (crystals, a depot) or ``solution``.
    roles : what it serves as: ``steroid``, ``control``, ``diluent``.
    routes : routes its label names.
    forbidden_routes : routes its label forbids.
    excipients : everything else in the vial, in words.
    active_fraction : mass of active substance per mass of stated strength.
    prodrug : whether tissue must split the drug before it acts.
    quantities : every number with unit, range, origin and source, by name.
    provenance : of form, routes and excipients.

    Examples
    --------
    >>> product = load_product("ta10")
    >>> product.strength_mg_per_mL, product.soluble
    (10.0, False)
    """

    key: str
    name: str
    drug: str
    active: str
    form: Form
    roles: tuple[Role, ...]
    routes: tuple[str, ...]
    forbidden_routes: tuple[str, ...]
    excipients: tuple[str, ...]
    active_fraction: float
    prodrug: bool
    quantities: Mapping[str, Quantity] = field(hash=False)
    provenance: Provenance

    @property
    def soluble(self) -> bool:
        """Whether all of it is dissolved in the vial, so that it leaves no depot."""
        return self.form == "solution"

    @property
    def source(self) -> str:
        """Key of the reference for form, routes and excipients."""
        return self.provenance.source

    @property
    def strength_mg_per_mL(self) -> float:  # noqa: N802 - unit symbol
        """Strength in the vial [mg/mL]; 0 without steroid."""
        return self._value("strength", 0.0)

    @property
    def solubility_ug_per_mL(self) -> float:  # noqa: N802 - unit symbol
        """Solubility of its crystals in body fluid at 37 C [ug/mL]; infinite for a solution."""
        return math.inf if self.soluble else self._value("solubility", math.inf)

    @property
    def crystal_diameter_um(self) -> float:
        """Mean diameter of its crystals [um]; 0 for a solution."""
        return self._value("crystal_diameter", 0.0)

    @property
    def crystal_density_g_per_cm3(self) -> float:
        """Density of its crystals [g/cm3]; 0 without crystals."""
        return 0.0 if self.soluble else self._value("crystal_density", 0.0)

    @property
    def molecular_weight_g_per_mol(self) -> float:
        """Molecular weight of the drug as injected [g/mol]; 0 without steroid."""
        return self._value("molecular_weight", 0.0)

    @property
    def relative_affinity(self) -> float:
        """Affinity of the active substance to the receptor, dexamethasone = 100; 0 without one."""
        return self._value("relative_affinity", 0.0)

    @property
    def soluble_share(self) -> float:
        """Share of the strength that is dissolved in the vial: 1 for a solution."""
        return 1.0 if self.soluble else self._value("soluble_share", 0.0)

    @property
    def benzyl_alcohol_mg_per_mL(self) -> float:  # noqa: N802 - unit symbol
        """Benzyl alcohol in the vial [mg/mL]; 0 without."""
        return self._value("benzyl_alcohol", 0.0)

    @property
    def vial_volume_mL(self) -> float | None:  # noqa: N802 - unit symbol
        """Volume of one vial [mL]; None when no source names it."""
        return self._value("vial_volume", 0.0) or None

    @property
    def use_after_mixing_hours(self) -> float | None:
        """How long a mix may wait before it is injected [hour]; None when nothing is mixed."""
        return self._value("use_after_mixing", 0.0) or None

    def _value(self, name: str, otherwise: float) -> float:
        quantity = self.quantities.get(name)
        return otherwise if quantity is None else quantity.value


def load_product(key: str, place: str = "product") -> Product:
    """Load one product by its key.

    Raises
    ------
    InputError
        When there is no such product; the message lists those there are.

    Examples
    --------
    >>> load_product("th20").prodrug
    True
    """
    products = load_products()
    if key not in products:
        raise InputError(
            Problem(
                place,
                f"one of {', '.join(products)}",
                repr(key),
                "Use the key of a product that Anagen knows.",
            )
        )
    return products[key]


@lru_cache(maxsize=1)
def load_products() -> Mapping[str, Product]:
    """Load all products by key, in the order of ``products.toml``.

    Raises
    ------
    EvidenceError
        When a product or drug lacks a unit or a source, or contradicts itself.
    """
    return parse_products(read_table("products.toml"))


@lru_cache(maxsize=1)
def load_drugs() -> Mapping[str, Drug]:
    """Load all steroids as substances, by key."""
    return _parse_drugs(read_table("products.toml")["drugs"])


def parse_products(tables: Mapping[str, Any]) -> Mapping[str, Product]:
    """Parse the tables of ``products.toml``; see `load_products`."""
    check_fields("products.toml", tables, frozenset({"drugs", "products"}))
    drugs = _parse_drugs(tables["drugs"])
    rows = tables["products"].items()
    return MappingProxyType({key: _parse_product(key, row, drugs) for key, row in rows})


def _parse_drugs(tables: Mapping[str, Any]) -> Mapping[str, Drug]:
    drugs = {}
    for key, row in tables.items():
        place = f"drugs.{key}"
        required = frozenset({"name", "active", "molecular_weight"})
        fields = check_fields(place, row, required, frozenset(_DRUG_QUANTITIES))
        quantities = _parse_quantities(place, fields, _DRUG_QUANTITIES)
        drugs[key] = Drug(key, fields["name"], fields["active"], quantities)
    for drug in drugs.values():
        if drug.active not in drugs:
            raise EvidenceError(f"drugs.{drug.key}: unknown active substance {drug.active!r}")
        if "relative_affinity" not in drugs[drug.active].quantities:
            raise EvidenceError(f"drugs.{drug.active}: no affinity to the receptor")
    return MappingProxyType(drugs)


def _parse_quantities(
    place: str, fields: Mapping[str, Any], units: Mapping[str, str]
) -> dict[str, Quantity]:
    """Read the numbers of a row; each must stand in the one unit its property states."""
    quantities = {}
    for name, unit in units.items():
        if name not in fields:
            continue
        quantity = parse_quantity(f"{place}.{name}", fields[name])
        if quantity.unit != unit:
            raise EvidenceError(f"{place}.{name}: write it in {unit}, found {quantity.unit}")
        if quantity.low < 0.0:
            raise EvidenceError(f"{place}.{name}: cannot be negative")
        quantities[name] = quantity
    return quantities


def _parse_product(key: str, row: object, drugs: Mapping[str, Drug]) -> Product:
    place = f"products.{key}"
    optional = frozenset({"drug", "strength_basis", "note", *_PRODUCT_QUANTITIES})
    fields = check_fields(place, row, _WORDS | _PROVENANCE, optional)
    quantities = _parse_quantities(place, fields, _PRODUCT_QUANTITIES)
    drug = None
    if "drug" in fields:
        if fields["drug"] not in drugs:
            raise EvidenceError(f"{place}: unknown drug {fields['drug']!r}")
        drug = drugs[fields["drug"]]
        affinity = drugs[drug.active].quantities["relative_affinity"]
        quantities |= {**drug.quantities, "relative_affinity": affinity}
    problems = _product_problems(fields, drug, quantities)
    if problems:
        raise EvidenceError(f"{place}: {'; '.join(problems)}")
    return Product(
        key=key,
        name=fields["name"],
        drug=drug.name if drug else "",
        active=drugs[drug.active].name if drug else "",
        form=fields["form"],
        roles=tuple(fields["roles"]),
        routes=tuple(fields["routes"]),
        forbidden_routes=tuple(fields["forbidden_routes"]),
        excipients=tuple(fields["excipients"]),
        active_fraction=_active_fraction(drug, drugs, fields.get("strength_basis", "drug")),
        prodrug=drug.prodrug if drug else False,
        quantities=quantities,
        provenance=parse_provenance(place, fields),
    )


def _product_problems(
    fields: Mapping[str, Any], drug: Drug | None, quantities: Mapping[str, Quantity]
) -> list[str]:
    """Return what contradicts itself in a product, in words."""
    crystals = fields["form"] == "suspension"
    needed = {"strength"} if drug else set()
    if drug and crystals:
        needed |= {"solubility", "crystal_diameter", "crystal_density"}
    checks = (
        (fields["form"] not in get_args(Form), f"form {fields['form']!r}"),
        (not fields["roles"] or set(fields["roles"]) - set(get_args(Role)), "roles"),
        (fields.get("strength_basis", "drug") not in get_args(StrengthBasis), "strength_basis"),
        (not needed <= set(quantities), f"lacks {sorted(needed - set(quantities))}"),
        (drug is None and "strength" in quantities, "a strength but no drug"),
        (drug is None and crystals, "a suspension of nothing"),
        ((drug is None) == ("steroid" in fields["roles"]), "a steroid is what holds a drug"),
        (
            bool(set(fields["routes"]) & set(fields["forbidden_routes"])),
            "a route both named and forbidden",
        ),
    )
    return [text for wrong, text in checks if wrong]


def _active_fraction(drug: Drug | None, drugs: Mapping[str, Drug], basis: str) -> float:
    if drug is None:
        return 0.0
    if basis == "active" or not drug.prodrug:
        return 1.0
    active = drugs[drug.active].quantities["molecular_weight"].value
    return active / drug.quantities["molecular_weight"].value
