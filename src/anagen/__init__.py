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
    from anagen.evidence.arm_files import (
        read_arms_file,
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
    from anagen.evidence.published import (
        Arm,
        load_arms,
    )
    from anagen.evidence.references import (
        Reference,
        load_references,
    )
    from anagen.forecast.compare import (
        compare_plans,
    )
    from anagen.forecast.next_plans import (
        review_plans,
    )
    from anagen.forecast.predict import (
        Forecast,
        change_plan,
        forecast_patient,
    )
    from anagen.forecast.review import (
        Review,
        review,
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
    from anagen.population.benefit import (
        drug_benefit,
    )
    from anagen.population.claims import (
        check_claims,
    )
    from anagen.population.cohort import (
        Regimen,
        follow_people,
    )
    from anagen.population.compare import (
        compare_arms,
    )
    from anagen.population.covariates import (
        Covariates,
        draw_covariates,
    )
    from anagen.population.people import (
        read_people,
        write_people,
    )
    from anagen.population.posterior import (
        Posterior,
        load_posterior,
    )
    from anagen.population.settings import (
        Setting,
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
    from anagen.trials.lint import (
        check_protocol,
    )
    from anagen.trials.over_draws import (
        beyond_chance,
        over_draws,
    )
    from anagen.trials.pool import (
        pool_of,
    )
    from anagen.trials.power import (
        PowerRequest,
        power_curve,
        sample_size,
    )
    from anagen.trials.protocol_file import (
        load_protocol_file,
    )
    from anagen.trials.run import (
        run_trial,
    )
    from anagen.trials.run_plan import (
        plan_run,
        with_people,
    )
    from anagen.trials.store import (
        open_results,
    )
    from anagen.trials.trial_summary import (
        summarise_trial,
    )

__all__ = [
    "AnagenError",
    "Arm",
    "BindingLimit",
    "Covariates",
    "EvidenceError",
    "Facts",
    "Finding",
    "Follicles",
    "Forecast",
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
    "Posterior",
    "PowerRequest",
    "Problem",
    "Product",
    "Protocol",
    "Reference",
    "Regimen",
    "Review",
    "Scalp",
    "Session",
    "SessionDesign",
    "Setting",
    "SimulationError",
    "SiteLayout",
    "ViewPoint",
    "Visit",
    "__version__",
    "area_cm2",
    "beyond_chance",
    "build_scalp",
    "change_plan",
    "check",
    "check_claims",
    "check_protocol",
    "compare_arms",
    "compare_plans",
    "dilute",
    "draw_covariates",
    "drug_benefit",
    "facts",
    "follow_people",
    "forecast_patient",
    "geodesic_distance",
    "latest_patches",
    "load_arms",
    "load_parameters",
    "load_patient",
    "load_plan",
    "load_posterior",
    "load_products",
    "load_protocol_file",
    "load_protocols",
    "load_references",
    "locate",
    "make_plan",
    "open_results",
    "over_draws",
    "patch_cells",
    "patch_shapes",
    "patient_schema",
    "place_sites",
    "plan_run",
    "plan_schema",
    "pool_of",
    "power_curve",
    "project",
    "read_arms_file",
    "read_patient",
    "read_people",
    "review",
    "review_plans",
    "run_trial",
    "sample_size",
    "save_patient",
    "save_pictures",
    "save_plan",
    "simulate",
    "simulate_patient",
    "summarise_trial",
    "syringe_sheet",
    "which_limit_binds_first",
    "with_people",
    "write_people",
    "write_report",
]

_NAMES = {
    "anagen.trials.lint": ("check_protocol",),
    "anagen.trials.over_draws": (
        "beyond_chance",
        "over_draws",
    ),
    "anagen.trials.pool": ("pool_of",),
    "anagen.trials.power": (
        "PowerRequest",
        "power_curve",
        "sample_size",
    ),
    "anagen.trials.protocol_file": ("load_protocol_file",),
    "anagen.trials.run": ("run_trial",),
    "anagen.trials.run_plan": (
        "plan_run",
        "with_people",
    ),
    "anagen.trials.store": ("open_results",),
    "anagen.trials.trial_summary": ("summarise_trial",),
    "anagen.evidence.arm_files": ("read_arms_file",),
    "anagen.evidence.published": (
        "Arm",
        "load_arms",
    ),
    "anagen.population.cohort": (
        "Regimen",
        "follow_people",
    ),
    "anagen.population.compare": ("compare_arms",),
    "anagen.population.covariates": (
        "Covariates",
        "draw_covariates",
    ),
    "anagen.population.people": (
        "read_people",
        "write_people",
    ),
    "anagen.population.posterior": (
        "Posterior",
        "load_posterior",
    ),
    "anagen.population.settings": ("Setting",),
    "anagen.forecast.compare": ("compare_plans",),
    "anagen.forecast.predict": (
        "Forecast",
        "change_plan",
        "forecast_patient",
    ),
    "anagen.forecast.next_plans": ("review_plans",),
    "anagen.forecast.review": (
        "Review",
        "review",
    ),
    "anagen.population.claims": ("check_claims",),
    "anagen.population.benefit": ("drug_benefit",),
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
