"""All routers of the console."""

from fastapi import APIRouter

from anagen.web.console import (
    account_pages,
    admin_clinic_pages,
    admin_pages,
    document_pages,
    evidence_pages,
    explore_pages,
    gate_routes,
    hair_pages,
    patient_pages,
    people_pages,
    plan_pages,
    print_pages,
    review_pages,
    treat_pages,
    visit_pages,
)


def console_routers() -> tuple[APIRouter, ...]:
    """Give the routers of all pages."""
    return (
        gate_routes.router,
        people_pages.router,
        patient_pages.router,
        document_pages.router,
        account_pages.router,
        admin_clinic_pages.router,
        admin_pages.router,
        evidence_pages.router,
        explore_pages.router,
        review_pages.router,
        hair_pages.router,
        plan_pages.router,
        print_pages.router,
        treat_pages.router,
        visit_pages.router,
    )
