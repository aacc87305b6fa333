"""Anagen: plan, simulate and monitor intralesional steroid treatment of alopecia areata.

Everything that a user of the library needs stands here by one flat name and is loaded when it is
first used, so that ``import anagen`` costs nothing.

Examples
--------
>>> import anagen
>>> anagen.load_parameters().value("depot.radius", "mm") > 0
True
"""

from importlib import import_module
from typing import TYPE_CHECKING

from anagen._version import __version__

if TYPE_CHECKING:
    from anagen.biology import (
        Follicles,
        PatchStart,
        Person,
        simulate,
        simulate_patient,
    )
    from anagen.errors import (
        AnagenError,
        EvidenceError,
        InputError,
        Problem,
        SimulationError,
    )
    from anagen.evidence.parameters import (
        Parameter,
        ParameterSet,
        load_parameters,
    )
    from anagen.evidence.products import (
        Product,
        load_products,
    )
    from anagen.evidence.references import (
        Reference,
        load_references,
    )
    from anagen.patient import (
        OtherSteroid,
        PatchSeen,
        Patient,
        Visit,
        facts,
        latest_patches,
        load_patient,
        patch_shapes,
        patient_schema,
        read_patient,
        save_patient,
    )
    from anagen.report import (
        save_pictures,
        write_report,
    )
    from anagen.scalp import (
        Mask,
        Outline,
        PatchShape,
        Scalp,
        ViewPoint,
        area_cm2,
        build_scalp,
        geodesic_distance,
        locate,
        patch_cells,
        project,
    )
    from anagen.treatment import (
        Facts,
        Finding,
        Injection,
        Override,
        Plan,
        Protocol,
        Session,
        SiteLayout,
        dilute,
        load_plan,
        load_protocols,
        make_plan,
        place_sites,
        plan_schema,
        save_plan,
        syringe_sheet,
    )
    from anagen.treatment.binding import (
        BindingLimit,
        SessionDesign,
        which_limit_binds_first,
    )
    from anagen.treatment.rules import (
        check,
    )

__all__ = [
    "AnagenError",
    "BindingLimit",
    "EvidenceError",
    "Facts",
    "Finding",
    "Follicles",
    "Injection",
    "InputError",
    "Mask",
    "OtherSteroid",
    "Outline",
    "Override",
    "Parameter",
    "ParameterSet",
    "PatchSeen",
    "PatchShape",
    "PatchStart",
    "Patient",
    "Person",
    "Plan",
    "Problem",
    "Product",
    "Protocol",
    "Reference",
    "Scalp",
    "Session",
    "SessionDesign",
    "SimulationError",
    "SiteLayout",
    "ViewPoint",
    "Visit",
    "__version__",
    "area_cm2",
    "build_scalp",
    "check",
    "dilute",
    "facts",
    "geodesic_distance",
    "latest_patches",
    "load_parameters",
    "load_patient",
    "load_plan",
    "load_products",
    "load_protocols",
    "load_references",
    "locate",
    "make_plan",
    "patch_cells",
    "patch_shapes",
    "patient_schema",
    "place_sites",
    "plan_schema",
    "project",
    "read_patient",
    "save_patient",
    "save_pictures",
    "save_plan",
    "simulate",
    "simulate_patient",
    "syringe_sheet",
    "which_limit_binds_first",
    "write_report",
]

_NAMES = {
    "anagen.errors": (
        "AnagenError",
        "EvidenceError",
        "InputError",
        "Problem",
        "SimulationError",
    ),
    "anagen.evidence.parameters": (
        "Parameter",
        "ParameterSet",
        "load_parameters",
    ),
    "anagen.evidence.products": (
        "Product",
        "load_products",
    ),
    "anagen.evidence.references": (
        "Reference",
        "load_references",
    ),
    "anagen.scalp": (
        "Mask",
        "Outline",
        "PatchShape",
        "Scalp",
        "ViewPoint",
        "area_cm2",
        "build_scalp",
        "geodesic_distance",
        "locate",
        "patch_cells",
        "project",
    ),
    "anagen.treatment.rules": ("check",),
    "anagen.treatment.binding": (
        "BindingLimit",
        "SessionDesign",
        "which_limit_binds_first",
    ),
    "anagen.treatment": (
        "Facts",
        "Finding",
        "Injection",
        "Override",
        "Plan",
        "Protocol",
        "Session",
        "SiteLayout",
        "dilute",
        "load_plan",
        "load_protocols",
        "make_plan",
        "place_sites",
        "plan_schema",
        "save_plan",
        "syringe_sheet",
    ),
    "anagen.patient": (
        "OtherSteroid",
        "PatchSeen",
        "Patient",
        "Visit",
        "facts",
        "latest_patches",
        "load_patient",
        "patch_shapes",
        "patient_schema",
        "read_patient",
        "save_patient",
    ),
    "anagen.biology": (
        "Follicles",
        "PatchStart",
        "Person",
        "simulate",
        "simulate_patient",
    ),
    "anagen.report": (
        "save_pictures",
        "write_report",
    ),
}
_HOME = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Load a public name from its room when it is first asked for (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'anagen' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Names to complete, loaded or not."""
    return sorted({*globals(), *__all__})
