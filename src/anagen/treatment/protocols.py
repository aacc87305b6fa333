"""Named protocols: who does what, as data with a source for every number."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

from anagen.errors import EvidenceError, InputError, Problem
from anagen.treatment.injections import Comfort, Gate, Noun, Pattern, SiteLayout
from anagen.treatment.validation import input_errors, plausible

Steps = Literal["fixed", "by response"]
BodySite = Literal["scalp", "face"]

_QUANTITIES = {
    "strength": "mg/mL",
    "volume": "mL",
    "spacing": "mm",
    "margin": "mm",
    "depth": "mm",
    "needle": "1",
    "interval": "day",
    "sessions": "1",
    "session_volume": "mL",
}
_OPTIONAL = {"session_volume"}
_WORDS = {"name", "summary", "jurisdiction", "body_site", "product", "diluent", "pattern",
          "steps", "comfort", "gates"}  # fmt: skip


@dataclass(frozen=True)
class Cited:
    """One number of a protocol and where it comes from, in the unit its source uses.

    Parameters
    ----------
    field : strength, volume, spacing, margin, depth, needle, interval, sessions, session_volume.
    value : what a plan uses; several for a strength that steps up.
    low, high : what the source allows.
    unit, origin, source, locator : as for every parameter.
    """

    field: str
    value: tuple[float, ...]
    low: float
    high: float
    unit: str
    origin: str
    source: str
    locator: str


@dataclass(frozen=True)
class Protocol:
    """A named way to treat.

    Parameters
    ----------
    key : name used on the command line, for example ``scalp-standard-5``.
    name, summary, jurisdiction : for people.
    body_site : scalp or face.
    product, diluent : keys in ``products.toml``.
    strengths_mg_per_mL : by session; the last one holds for all later sessions.
    steps : whether a stronger step waits for the response (``by response``) or is taken anyway.
    volume_mL : per site.
    layout : spacing, margin and pattern.
    depth_mm : of the needle tip below the skin surface.
    needle_gauge : of the needle.
    interval_days : between sessions.
    interval_range_days : shortest and longest interval that the source allows.
    sessions : how many.
    session_volume_mL : most in one session; None when the source sets none.
    comfort : measures against pain.
    gates : when to judge.
    cited : source of every number.
    changed : names of the numbers that somebody changed, so that no source is claimed for them.

    Examples
    --------
    >>> load_protocol("us-experts").session_volume_mL
    1.5
    """

    key: str
    name: str
    summary: str
    jurisdiction: str
    body_site: BodySite
    product: str
    diluent: str
    strengths_mg_per_mL: tuple[float, ...]  # noqa: N815 - unit symbol
    steps: Steps
    volume_mL: float  # noqa: N815 - unit symbol
    layout: SiteLayout
    depth_mm: float
    needle_gauge: int
    interval_days: int
    interval_range_days: tuple[float, float]
    sessions: int
    session_volume_mL: float | None  # noqa: N815 - unit symbol
    comfort: tuple[Comfort, ...]
    gates: tuple[Gate, ...]
    cited: tuple[Cited, ...]
    changed: tuple[str, ...] = ()


class ProtocolChange(Noun):
    """What a doctor may change in a protocol; None keeps it.

    Parameters
    ----------
    product, diluent : keys in ``products.toml``.
    strength_mg_per_mL : one strength for all sessions.
    volume_mL, spacing_mm, margin_mm, pattern, depth_mm, needle_gauge, interval_days, sessions,
    session_volume_mL, comfort : as in `Protocol`.

    Examples
    --------
    >>> changed = change_protocol(load_protocol("us-experts"), strength_mg_per_mL=2.5)
    >>> changed.strengths_mg_per_mL, changed.changed
    ((2.5,), ('strength_mg_per_mL',))
    """

    product: str | None = None
    diluent: str | None = None
    strength_mg_per_mL: float | None = None  # noqa: N815 - unit symbol
    volume_mL: float | None = None  # noqa: N815 - unit symbol
    spacing_mm: float | None = None
    margin_mm: float | None = None
    pattern: Pattern | None = None
    depth_mm: float | None = None
    needle_gauge: int | None = None
    interval_days: int | None = None
    sessions: int | None = None
    session_volume_mL: float | None = None  # noqa: N815 - unit symbol
    comfort: tuple[Comfort, ...] | None = None


_CHECKS = {
    "strength_mg_per_mL": "injection.strength",
    "volume_mL": "injection.volume",
    "depth_mm": "injection.depth",
    "needle_gauge": "injection.needle",
    "spacing_mm": "placement.spacing",
    "margin_mm": "placement.margin",
    "interval_days": "plan.interval",
    "sessions": "plan.sessions",
    "session_volume_mL": "session.volume",
}


def load_protocols() -> Mapping[str, Protocol]:
    """All protocols that the package carries, by key.

    Raises
    ------
    EvidenceError
        When one lacks a number, or a number lacks its unit, origin or source.

    Examples
    --------
    >>> "start-low-step-up" in load_protocols()
    True
    """
    return _load()


def load_protocol(key: str, place: str = "protocol") -> Protocol:
    """Return one protocol by its key.

    Parameters
    ----------
    key : for example ``scalp-standard-5``.
    place : where the key was written, for the message.

    Raises
    ------
    InputError
        When there is no such protocol; the message names those there are.

    Examples
    --------
    >>> load_protocol("saline-control").strengths_mg_per_mL
    (0.0,)
    """
    protocols = _load()
    if key in protocols:
        return protocols[key]
    from difflib import get_close_matches

    near = get_close_matches(str(key), protocols, n=1, cutoff=0.4)
    remedy = f"Did you mean {near[0]!r}?" if near else "Choose one of these."
    raise InputError(Problem(place, f"one of {', '.join(protocols)}", repr(key), remedy))


def change_protocol(protocol: Protocol, **changes: Any) -> Protocol:
    """Return a protocol with some of its numbers changed, and marked as changed.

    Parameters
    ----------
    protocol : where to start.
    **changes : fields of `ProtocolChange`; None keeps a field.

    Returns
    -------
    Protocol
        ``changed`` names what no longer follows the source.

    Raises
    ------
    InputError
        When a field is unknown or a number cannot be meant.
    """
    with input_errors("protocol"):
        request = ProtocolChange.model_validate(changes)
    given = request.model_dump(exclude_none=True)
    _refuse_implausible(given)
    fields = {**vars(protocol)}
    layout = dict(protocol.layout)
    for name, value in given.items():
        if name == "strength_mg_per_mL":
            fields.update(strengths_mg_per_mL=(value,), steps="fixed")
        elif name in ("spacing_mm", "margin_mm", "pattern"):
            layout[name] = value
        else:
            fields[name] = value
    fields["layout"] = SiteLayout.model_validate(layout)
    fields["changed"] = tuple(dict.fromkeys((*protocol.changed, *given)))
    return Protocol(**fields)


def strength_at(protocol: Protocol, session: int) -> float:
    """Strength of a session [mg/mL], counted from 0, if every step up is taken.

    Examples
    --------
    >>> [strength_at(load_protocol("start-low-step-up"), i) for i in range(4)]
    [2.5, 5.0, 10.0, 10.0]
    """
    return protocol.strengths_mg_per_mL[min(session, len(protocol.strengths_mg_per_mL) - 1)]


def _refuse_implausible(given: Mapping[str, Any]) -> None:
    problems: list[Problem] = []
    for name, value in given.items():
        if name in _CHECKS:
            try:
                plausible(value, _CHECKS[name], f"protocol: {name}")
            except InputError as error:
                problems.extend(error.problems)
    if problems:
        raise InputError(problems)


@lru_cache(maxsize=1)
def _load() -> Mapping[str, Protocol]:
    from importlib import resources

    file = resources.files("anagen.evidence") / "data" / "protocols.toml"
    return parse_protocols(file.read_text(encoding="utf-8"))


def parse_protocols(text: str) -> Mapping[str, Protocol]:
    """Parse the text of a protocol file; see `load_protocols`."""
    return {key: _parse(key, table) for key, table in tomllib.loads(text).items()}


def _parse(key: str, table: Mapping[str, Any]) -> Protocol:
    from anagen.units import convert

    missing = ({*_WORDS, *_QUANTITIES} - _OPTIONAL - {"gates"}) - set(table)
    unknown = set(table) - _WORDS - set(_QUANTITIES)
    if missing or unknown:
        raise EvidenceError(f"protocol {key}: lacks {sorted(missing)}, unknown {sorted(unknown)}")
    cited = {name: _cited(key, name, table[name]) for name in _QUANTITIES if name in table}

    def number(name: str, index: int = 0) -> float:
        row = cited[name]
        return float(convert(row.value[index], row.unit, _QUANTITIES[name]))

    interval = cited["interval"]
    try:
        return Protocol(
            key=key,
            **{word: table[word] for word in ("name", "summary", "jurisdiction", "product")},
            diluent=table["diluent"],
            body_site=_one_of(table["body_site"], BodySite),
            steps=_one_of(table["steps"], Steps),
            comfort=tuple(_one_of(measure, Comfort) for measure in table["comfort"]),
            strengths_mg_per_mL=tuple(
                number("strength", index) for index in range(len(cited["strength"].value))
            ),
            volume_mL=number("volume"),
            layout=SiteLayout(
                spacing_mm=number("spacing"),
                margin_mm=number("margin"),
                pattern=_one_of(table["pattern"], Pattern),
            ),
            depth_mm=number("depth"),
            needle_gauge=int(number("needle")),
            interval_days=round(number("interval")),
            interval_range_days=(
                convert(interval.low, interval.unit, "day"),
                convert(interval.high, interval.unit, "day"),
            ),
            sessions=int(number("sessions")),
            session_volume_mL=number("session_volume") if "session_volume" in cited else None,
            gates=tuple(Gate.model_validate(gate) for gate in table.get("gates", ())),
            cited=tuple(cited.values()),
        )
    except (ValueError, InputError) as error:
        raise EvidenceError(f"protocol {key}: {error}") from error


def _cited(key: str, name: str, row: Mapping[str, Any]) -> Cited:
    from anagen.evidence.references import reference_keys
    from anagen.evidence.rows import Origin
    from anagen.units import is_unit

    value = row.get("value", ())
    values = tuple(float(v) for v in (value if isinstance(value, list) else [value]) if v != "")
    low = float(row.get("low", min(values, default=math.nan)))
    high = float(row.get("high", max(values, default=math.nan)))
    problems = [
        words
        for wrong, words in (
            (not values, "no value"),
            (not all(map(math.isfinite, (*values, low, high))), "not finite"),
            (not all(low <= v <= high for v in values), f"{values} outside {low}..{high}"),
            (not is_unit(row.get("unit", "?")), f"unit {row.get('unit')!r}"),
            (row.get("origin") not in get_args(Origin), f"origin {row.get('origin')!r}"),
            (row.get("source") not in reference_keys(), f"source {row.get('source')!r}"),
            (not row.get("locator"), "no locator"),
        )
        if wrong
    ]
    if problems:
        raise EvidenceError(f"protocol {key}: {name}: {'; '.join(problems)}")
    return Cited(name, values, low, high, row["unit"], row["origin"], row["source"], row["locator"])


def _one_of(value: Any, kind: Any) -> Any:
    if value not in get_args(kind):
        raise ValueError(f"{value!r} is not one of {get_args(kind)}")
    return value
