"""Quantities of the record: each bounded, each with its unit, from one data file."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from anagen.errors import EvidenceError, InputError

if TYPE_CHECKING:
    from anagen.evidence.rows import Provenance

Range = tuple[float, float]


@dataclass(frozen=True)
class Plausible:
    """Bounds of one quantity.

    Parameters
    ----------
    name : the quantity in words.
    unit : unit of the bounds; ``1`` for a pure number.
    possible : outside it a value is refused.
    usual : outside it the reader is warned.
    provenance : where the bounds come from.
    """

    name: str
    unit: str
    possible: Range
    usual: Range
    provenance: "Provenance"

    @property
    def words(self) -> str:
        """The possible range in words, such as ``0.5 to 400 kg``."""
        low, high = self.possible
        unit = "" if self.unit == "1" else f" {self.unit}"
        return f"{low:g} to {high:g}{unit}"

    def intended(self, value: float) -> float | None:
        """Value that a shifted decimal point may have hidden: the nearest one in the usual range.

        Examples
        --------
        >>> plausible("weight").intended(700.0)
        70.0
        """
        low, high = self.usual
        shifts = (0.1, 10.0, 0.01, 100.0, 0.001, 1000.0)
        return next((value * s for s in shifts if max(low, 1e-12) <= value * s <= high), None)


@lru_cache(maxsize=1)
def plausible_ranges() -> dict[str, Plausible]:
    """Load the bounds of all quantities from the data file the package carries.

    Raises
    ------
    EvidenceError
        When a row has no source, or its usual range is not inside the possible one.
    """
    from anagen.evidence.rows import read_table

    return {key: parse_plausible(key, row) for key, row in read_table("plausible.toml").items()}


def plausible(key: str) -> Plausible:
    """Bounds of one quantity.

    Raises
    ------
    EvidenceError
        When the data file has no such quantity.
    """
    try:
        return plausible_ranges()[key]
    except KeyError:
        raise EvidenceError(f"plausible.toml has no quantity {key!r}") from None


def parse_plausible(key: str, row: object) -> Plausible:
    """Parse one row of ``plausible.toml``; see `plausible_ranges`."""
    from anagen.evidence.rows import check_fields, number, parse_provenance

    place = f"plausible.{key}"
    required = frozenset({"name", "unit", "possible", "usual", "origin", "source", "locator"})
    fields = check_fields(place, row, required, frozenset({"note"}))
    low, high = (number(place, "possible", bound) for bound in fields["possible"])
    least, most = (number(place, "usual", bound) for bound in fields["usual"])
    if not low <= least <= most <= high:
        raise EvidenceError(f"{place}: usual {least}..{most} not inside possible {low}..{high}")
    return Plausible(
        fields["name"], fields["unit"], (low, high), (least, most), parse_provenance(place, fields)
    )


@dataclass(frozen=True)
class Bounded:
    """Marks a float of the record: a number in the stated unit, or text with a unit.

    ``Annotated[float, Bounded("weight")]`` takes ``70``, ``70.5`` and ``"70 kg"``, and refuses
    ``"70"``, ``true``, ``NaN`` and ``700``, each with what to do about it.

    Parameters
    ----------
    quantity : key in ``evidence/data/plausible.toml``.
    """

    quantity: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        number = core_schema.float_schema(strict=True, allow_inf_nan=False)
        bounded = core_schema.no_info_after_validator_function(self._check, number)
        return core_schema.no_info_before_validator_function(self._read, bounded)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        entry = plausible(self.quantity)
        low, high = entry.possible
        number = {"type": "number", "minimum": low, "maximum": high}
        if entry.unit == "1":
            return number
        text = {
            "type": "string",
            "pattern": r"^\s*[-+0-9.eE]+ .+$",
            "description": f"number, space, unit that converts to {entry.unit}",
        }
        return {"anyOf": [number, text], "x-unit": entry.unit}

    def _read(self, value: object) -> object:
        if not isinstance(value, str):
            return value
        from anagen.units import quantity

        unit = plausible(self.quantity).unit
        example = f"a number in {unit}, or text with a unit such as '{_example(self.quantity)}'"
        if unit == "1":
            raise refusal(
                "a number, not text", shorten(value), "Write the number without quotation marks."
            )
        try:
            return quantity(value, unit)
        except InputError:
            raise refusal(
                example, shorten(value), "Write the number alone, or a number, a space and a unit."
            ) from None

    def _check(self, value: float) -> float:
        entry = plausible(self.quantity)
        low, high = entry.possible
        if not low <= value <= high:
            raise refusal(f"{entry.name} of {entry.words}", f"{value:g}", slip(entry, value))
        return value


def slip(entry: Plausible, value: float) -> str:
    """Remedy for a value out of range, naming the value a moved decimal point may have hidden."""
    meant = entry.intended(value) if math.isfinite(value) else None
    hint = f" Was {meant:g} meant?" if meant is not None else ""
    return f"Check the decimal point and the unit ({entry.unit}).{hint}"


def refusal(expected: str, found: str, remedy: str) -> PydanticCustomError:
    """Error of a field that already says what was expected, what came, and the remedy."""
    context = {"expected": expected, "found": found, "remedy": remedy}
    return PydanticCustomError("anagen", "expected {expected}, found {found}. {remedy}", context)


def shorten(value: object, limit: int = 80) -> str:
    """Show a value in at most ``limit`` characters."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 256:
        return f"a whole number of {value.bit_length()} bits"
    if isinstance(value, dict):
        text = f"a table of {len(value)} fields"
    elif isinstance(value, list | tuple) and len(value) > 4:
        text = f"a list of {len(value)} items"
    else:
        text = _quoted(value) if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _quoted(text: str) -> str:
    return f'"{text}"' if text.isprintable() else ascii(text)


def _example(key: str) -> str:
    entry = plausible(key)
    low, high = entry.usual
    return f"{float(f'{(low + high) / 2:.1g}'):g} {entry.unit}"


def _printable(text: str) -> str:
    # Numbers stand before their unit with a space that does not break, which Python calls
    # not printable.
    allowed = "\n\t\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}"
    if any(not (mark.isprintable() or mark in allowed) for mark in text):
        raise refusal(
            "text without control characters", shorten(text), "Remove the control characters."
        )
    return text


Text = Annotated[str, Field(max_length=4000), AfterValidator(_printable)]
Word = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]
Identifier = Annotated[
    str, Field(pattern=r"^[^\W_](?:[\w .\-]{0,62}[\w])?$"), AfterValidator(_printable)
]
Percent = Annotated[float, Bounded("percent")]
Kilograms = Annotated[float, Bounded("weight")]
Centimetres = Annotated[float, Bounded("height")]
Years = Annotated[float, Bounded("age")]
HeadMillimetres = Annotated[float, Bounded("head_circumference")]
Cortisol = Annotated[float, Bounded("morning_cortisol")]
Glucose = Annotated[float, Bounded("glucose")]
Systolic = Annotated[float, Bounded("systolic_pressure")]
Diastolic = Annotated[float, Bounded("diastolic_pressure")]
SessionDose = Annotated[float, Bounded("session_dose")]
TotalDose = Annotated[float, Bounded("steroid_total")]
