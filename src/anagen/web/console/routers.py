"""All routers of the console."""

from fastapi import APIRouter

from anagen.web.console import gate_routes, patient_pages, people_pages


def console_routers() -> tuple[APIRouter, ...]:
    """Give the routers of all pages."""
    return (gate_routes.router, people_pages.router, patient_pages.router)
