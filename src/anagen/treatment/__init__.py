"""What is done: products, injections, sessions, plans, placement of sites, and the rules."""

from anagen.treatment.binding import BindingLimit, SessionDesign, which_limit_binds_first
from anagen.treatment.dilution import (
    Dilution,
    Mix,
    Syringe,
    SyringeSheet,
    dilute,
    syringe_sheet,
)
from anagen.treatment.facts import Facts
from anagen.treatment.findings import Finding, Override, apply_overrides, blocked, by_rule
from anagen.treatment.injections import (
    Comfort,
    CreatedFrom,
    Gate,
    Injection,
    Plan,
    Session,
    SiteLayout,
)
from anagen.treatment.placement import Coverage, coverage, place_sites, prioritise
from anagen.treatment.plan_files import load_plan, plan_json, plan_schema, read_plan, save_plan
from anagen.treatment.planning import (
    PlanOptions,
    change_session,
    make_plan,
    session_at,
    session_sites,
    shift,
    site_location,
    with_sessions,
)
from anagen.treatment.profiles import load_profile, profile_names
from anagen.treatment.protocols import (
    Protocol,
    ProtocolChange,
    change_protocol,
    load_protocol,
    load_protocols,
)
from anagen.treatment.rules import check
from anagen.treatment.sites import Site, add_site, check_sites, move_site, remove_site
from anagen.treatment.tours import renumber

__all__ = [
    "BindingLimit",
    "Comfort",
    "Coverage",
    "CreatedFrom",
    "Dilution",
    "Facts",
    "Finding",
    "Gate",
    "Injection",
    "Mix",
    "Override",
    "Plan",
    "PlanOptions",
    "Protocol",
    "ProtocolChange",
    "Session",
    "SessionDesign",
    "Site",
    "SiteLayout",
    "Syringe",
    "SyringeSheet",
    "add_site",
    "apply_overrides",
    "blocked",
    "by_rule",
    "change_protocol",
    "change_session",
    "check",
    "check_sites",
    "coverage",
    "dilute",
    "load_plan",
    "load_profile",
    "load_protocol",
    "load_protocols",
    "make_plan",
    "move_site",
    "place_sites",
    "plan_json",
    "plan_schema",
    "prioritise",
    "profile_names",
    "read_plan",
    "remove_site",
    "renumber",
    "save_plan",
    "session_at",
    "session_sites",
    "shift",
    "site_location",
    "syringe_sheet",
    "which_limit_binds_first",
    "with_sessions",
]
