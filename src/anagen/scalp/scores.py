"""Scores of alopecia areata, in one place: severity of the scalp and scores of a patch.

All definitions and cut-points are data with sources in ``evidence/data/scales.toml``.
"""

from anagen.scalp.patch_scores import (
    PullResult,
    TrichoscopyIndex,
    hair_pull,
    regrowth_grade,
    regrowth_interval,
    regrowth_scales,
    trichoscopy_activity,
    trichoscopy_signs,
)
from anagen.scalp.severity import (
    SaltImprovement,
    ScaleLevel,
    ScaleModifiers,
    aa_iga,
    aa_scale,
    s_class,
    salt,
    salt_improvement,
    salt_partial,
)

__all__ = [
    "PullResult",
    "SaltImprovement",
    "ScaleLevel",
    "ScaleModifiers",
    "TrichoscopyIndex",
    "aa_iga",
    "aa_scale",
    "hair_pull",
    "regrowth_grade",
    "regrowth_interval",
    "regrowth_scales",
    "s_class",
    "salt",
    "salt_improvement",
    "salt_partial",
    "trichoscopy_activity",
    "trichoscopy_signs",
]
