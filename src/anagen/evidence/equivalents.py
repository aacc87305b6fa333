"""Doses of other steroids as triamcinolone: one table, read by every room that adds up steroid."""

from collections.abc import Mapping
from functools import lru_cache

from anagen.errors import EvidenceError


@lru_cache(maxsize=1)
def triamcinolone_equivalents() -> Mapping[str, float]:
    """Triamcinolone with the whole-body effect of 1 mg of each steroid [mg/mg], by name.

    Raises
    ------
    EvidenceError
        When the table has no source or a dose is not positive.

    Examples
    --------
    >>> triamcinolone_equivalents()["prednisolone"]
    0.8
    """
    from anagen.evidence.rows import number, parse_provenance, read_table

    table = read_table("vocabulary.toml")["equivalents"]
    parse_provenance("vocabulary.equivalents", table)
    rows = {key: row for key, row in table.items() if isinstance(row, dict)}
    doses = {key: number(f"equivalents.{key}", "dose", row["dose"]) for key, row in rows.items()}
    if min(doses.values()) <= 0:
        raise EvidenceError("vocabulary.equivalents: every dose should be positive")
    reference = doses["triamcinolone"]
    return {
        name.casefold(): reference / doses[key]
        for key, row in rows.items()
        for name in row["names"]
    }


@lru_cache(maxsize=256)
def triamcinolone_per_mg(product: str) -> float:
    """Triamcinolone with the whole-body effect of 1 mg of a product's stated strength [mg/mg].

    Parameters
    ----------
    product : key in ``products.toml``. One that nobody knows counts as triamcinolone, the
        cautious reading for a dose written in mg.

    Examples
    --------
    >>> triamcinolone_per_mg("ta10"), triamcinolone_per_mg("saline")
    (1.0, 0.0)
    """
    from anagen.evidence.products import load_products

    known = load_products().get(product)
    if known is None:
        return 1.0
    if not known.active:
        return 0.0
    name = known.active.replace("_", " ").casefold()
    return known.active_fraction * triamcinolone_equivalents().get(name, 1.0)
