"""Dilution: how much stock and diluent make a strength, and the syringe sheet of a session."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from anagen.errors import InputError, Problem
from anagen.evidence.products import Product, load_product
from anagen.treatment.injections import Injection, Session
from anagen.treatment.technique import technique
from anagen.treatment.validation import plausible

SyringeKind = Literal["luer_lock", "insulin"]

_NAMES = {"luer_lock": "1 mL Luer-lock syringe", "insulin": "1 mL insulin syringe"}
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Dilution:
    """One strength made from a stock.

    Parameters
    ----------
    product, product_name : the stock.
    diluent, diluent_name : what it is diluted with.
    stock_mg_per_mL, target_mg_per_mL : strength of the stock and of the mix.
    stock_mL, diluent_mL, final_mL : volumes; the first two sum to the third.
    vials : how many vials of stock must be opened.
    label : text for the syringe.
    steps : what to do, in order.
    """

    product: str
    product_name: str
    diluent: str
    diluent_name: str
    stock_mg_per_mL: float  # noqa: N815 - unit symbol
    target_mg_per_mL: float  # noqa: N815 - unit symbol
    stock_mL: float  # noqa: N815 - unit symbol
    diluent_mL: float  # noqa: N815 - unit symbol
    final_mL: float  # noqa: N815 - unit symbol
    vials: int
    label: str
    steps: tuple[str, ...]

    @property
    def content_mg(self) -> float:
        """Steroid in the mix [mg]."""
        return self.target_mg_per_mL * self.final_mL


@dataclass(frozen=True)
class Syringe:
    """One filled syringe.

    Parameters
    ----------
    number : 1 is used first.
    injections : numbers of the sites it serves, in the order of the hand.
    deliver_mL : what those sites need.
    fill_mL : what is drawn up, dead volume included.
    """

    number: int
    injections: tuple[int, ...]
    deliver_mL: float  # noqa: N815 - unit symbol
    fill_mL: float  # noqa: N815 - unit symbol


@dataclass(frozen=True)
class Mix:
    """Everything of one product and strength in a session.

    Parameters
    ----------
    dilution : how it is made.
    syringes : how it is drawn up.
    deliver_mL, deliver_mg : what reaches the skin.
    spare_mL : what is left over: dead volumes and rounding up.
    """

    dilution: Dilution
    syringes: tuple[Syringe, ...]
    deliver_mL: float  # noqa: N815 - unit symbol
    deliver_mg: float
    spare_mL: float  # noqa: N815 - unit symbol


@dataclass(frozen=True)
class SyringeSheet:
    """What to prepare for a session: a mix for every product and strength.

    Parameters
    ----------
    date : of the session, ISO.
    syringe : kind of syringe, in words.
    mixes : strongest first within a product.
    total_mL, total_mg : over all mixes, into the skin.
    """

    date: str
    syringe: str
    mixes: tuple[Mix, ...]
    total_mL: float  # noqa: N815 - unit symbol
    total_mg: float


def dilute(
    product: str | Product,
    target_mg_per_mL: float,  # noqa: N803 - unit symbol
    final_mL: float,  # noqa: N803 - unit symbol
    diluent: str = "saline",
) -> Dilution:
    """Compute the volumes of stock and diluent that make a strength.

    stock = target * final / strength of the stock;  diluent = final - stock.

    Parameters
    ----------
    product : the stock, or its key in ``products.toml``.
    target_mg_per_mL : strength wanted.
    final_mL : volume wanted.
    diluent : key of the diluent.

    Returns
    -------
    Dilution
        With label and steps.

    Raises
    ------
    InputError
        When the target is above the stock (a dilution cannot make it), or zero from a stock that
        holds drug, or a volume cannot be meant.

    Examples
    --------
    >>> mix = dilute("ta10", 2.5, 2.0)
    >>> mix.stock_mL, mix.diluent_mL
    (0.5, 1.5)
    """
    stock = load_product(product) if isinstance(product, str) else product
    thinner = load_product(diluent, "diluent")
    target = plausible(target_mg_per_mL, "injection.strength", "target_mg_per_mL")
    final = plausible(final_mL, "mixing.volume", "final_mL")
    _refuse_impossible(stock, thinner, target)
    share = 1.0 if stock.strength_mg_per_mL == 0 else target / stock.strength_mg_per_mL
    stock_volume = share * final
    diluent_volume = max(final - stock_volume, 0.0)
    vial = stock.vial_volume_mL or technique("vial.volume")
    return Dilution(
        product=stock.key,
        product_name=stock.name,
        diluent=thinner.key,
        diluent_name=thinner.name,
        stock_mg_per_mL=stock.strength_mg_per_mL,
        target_mg_per_mL=target,
        stock_mL=stock_volume,
        diluent_mL=diluent_volume,
        final_mL=final,
        vials=math.ceil(stock_volume / vial - _ROUNDING),
        label=_label(stock, thinner, target, final, diluent_volume),
        steps=_steps(stock, thinner, stock_volume, diluent_volume, final),
    )


def syringe_sheet(session: Session, syringe: SyringeKind = "luer_lock") -> SyringeSheet:
    """Work out what to prepare for a session.

    The sites of one product and strength are served in the order of the hand; a syringe is filled
    for as many whole sites as its barrel holds, plus its dead volume.

    Parameters
    ----------
    session : its injections that are not skipped are served.
    syringe : ``luer_lock`` (dead volume in the hub) or ``insulin`` (fixed needle).

    Returns
    -------
    SyringeSheet
        One mix per product and strength; several when the session has several.

    Raises
    ------
    InputError
        When a strength cannot be made from its product; all such problems together.

    Examples
    --------
    >>> from datetime import date
    >>> syringe_sheet(Session(date=date(2026, 3, 2))).mixes
    ()
    """
    if syringe not in get_args(SyringeKind):
        raise InputError(
            Problem("syringe", "luer_lock or insulin", repr(syringe), "Choose one of them.")
        )
    groups: dict[tuple[str, float], list[Injection]] = {}
    for injection in sorted(session.injections, key=lambda site: site.number):
        if injection.status != "skipped":
            key = (injection.product, injection.strength_mg_per_mL)
            groups.setdefault(key, []).append(injection)
    mixes: list[Mix] = []
    problems: list[Problem] = []
    for key in sorted(groups, key=lambda group: (group[0], -group[1])):
        try:
            mixes.append(_mix(groups[key], session.diluent, syringe))
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    return SyringeSheet(
        date=session.date.isoformat(),
        syringe=_NAMES[syringe],
        mixes=tuple(mixes),
        total_mL=math.fsum(mix.deliver_mL for mix in mixes),
        total_mg=math.fsum(mix.deliver_mg for mix in mixes),
    )


def _mix(sites: Sequence[Injection], diluent: str, kind: SyringeKind) -> Mix:
    syringes = _fill(sites, kind)
    deliver = math.fsum(site.volume_mL for site in sites)
    drawn = math.fsum(syringe.fill_mL for syringe in syringes)
    step = technique("mixing.graduation")
    final = math.ceil(drawn / step - _ROUNDING) * step
    return Mix(
        dilution=dilute(sites[0].product, sites[0].strength_mg_per_mL, round(final, 9), diluent),
        syringes=syringes,
        deliver_mL=deliver,
        deliver_mg=math.fsum(site.dose_mg for site in sites),
        spare_mL=round(final - deliver, 9),
    )


def _fill(sites: Sequence[Injection], kind: SyringeKind) -> tuple[Syringe, ...]:
    barrel, dead = technique(f"syringe_{kind}.volume"), technique(f"syringe_{kind}.dead_volume")
    loads: list[list[Injection]] = []
    for site in sites:
        held = math.fsum(other.volume_mL for other in loads[-1]) if loads else math.inf
        if held + site.volume_mL > barrel + _ROUNDING:
            loads.append([])
        loads[-1].append(site)
    return tuple(
        Syringe(
            number=number,
            injections=tuple(site.number for site in load),
            deliver_mL=math.fsum(site.volume_mL for site in load),
            fill_mL=math.fsum(site.volume_mL for site in load) + dead,
        )
        for number, load in enumerate(loads, start=1)
    )


def _refuse_impossible(stock: Product, diluent: Product, target: float) -> None:
    strength = stock.strength_mg_per_mL
    problems = []
    if target > strength * (1 + _ROUNDING):
        problems.append(
            Problem(
                "target_mg_per_mL", f"at most {strength:g} mg/mL, the strength of {stock.name}",
                f"{target:g} mg/mL", "Choose a stronger stock or a weaker target.",
            )
        )  # fmt: skip
    if target == 0 < strength:
        problems.append(
            Problem(
                "target_mg_per_mL", f"more than 0 mg/mL of {stock.name}", "0 mg/mL",
                "For a control, choose saline as the product.",
            )
        )  # fmt: skip
    if "diluent" not in diluent.roles:
        problems.append(
            Problem(
                "diluent", "a product that serves as a diluent", diluent.name,
                "Choose saline or a local anaesthetic.",
            )
        )  # fmt: skip
    if problems:
        raise InputError(problems)


def _label(
    stock: Product, diluent: Product, target: float, final: float, diluent_volume: float
) -> str:
    if stock.strength_mg_per_mL == 0:
        return f"{stock.name}, {_volume(final)}, no drug"
    if diluent_volume <= _ROUNDING:
        return f"{stock.drug} {target:g} mg/mL, {_volume(final)}, undiluted"
    return f"{stock.drug} {target:g} mg/mL, {_volume(final)}, in {diluent.name}"


def _steps(
    stock: Product, diluent: Product, stock_volume: float, diluent_volume: float, final: float
) -> tuple[str, ...]:
    if stock.strength_mg_per_mL == 0:
        return (f"Draw up {_volume(final)} of {stock.name}.", "Label the syringes.")
    shake = f"Shake the vial of {stock.name}; do not use it when clumped."
    if stock.soluble:
        shake = f"Inspect the vial of {stock.name}; do not use it when cloudy."
    draw = [f"Draw up {_volume(stock_volume)} of {stock.name}."]
    if diluent_volume > _ROUNDING:
        draw += [f"Add {_volume(diluent_volume)} of {diluent.name} and mix to {_volume(final)}."]
    keep = "Prepare it for this patient and this session only; inject without delay."
    return (shake, *draw, "Label the syringes.", keep)


def _volume(millilitres: float) -> str:
    return f"{millilitres:.3f}".rstrip("0").rstrip(".") + " mL"
