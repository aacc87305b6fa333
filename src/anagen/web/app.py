"""The application: state, middleware and routes put together."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from anagen._version import __version__
from anagen.clinic.accesses import AccessLog
from anagen.clinic.search import NameIndex
from anagen.clinic.store import Store
from anagen.web import problems
from anagen.web.api import (
    account_routes,
    clinic_routes,
    document_routes,
    job_routes,
    overview_routes,
    people_routes,
    photograph_routes,
    scalp_routes,
)
from anagen.web.console import patient_pages
from anagen.web.console.routers import console_routers
from anagen.web.logs import make_log
from anagen.web.metrics import Metrics
from anagen.web.middleware import Around
from anagen.web.settings import ServerSettings
from anagen.web.static_files import static_files
from anagen.web.workers import Load, Workers

PREFIX = "/api/v1"


class Compute:
    """Worker processes of one server, begun when the first job comes or ahead of it.

    Parameters
    ----------
    store : of the clinic.
    settings : how the server runs.
    log : structured log.
    """

    def __init__(self, store: Store, settings: ServerSettings, log: Any) -> None:
        self._make = partial(Workers, store, count=settings.workers, log=log)
        self._lock = threading.Lock()
        self._workers: Workers | None = None

    def __call__(self) -> Workers:
        """Give the workers."""
        with self._lock:
            if self._workers is None:
                self._workers = self._make()
            return self._workers

    def load(self) -> Load:
        """Tell how much there is to do."""
        with self._lock:
            return Load(0, 0, 0) if self._workers is None else self._workers.load()

    def close(self) -> None:
        """End them, if they were begun."""
        with self._lock:
            if self._workers is not None:
                self._workers.close()
                self._workers = None


def _read_ahead() -> None:
    """Have ready what the first visit and the first page of a person need."""
    scalp_routes.prepare()
    patient_pages.warm_up()


def make_app(
    store: Store, settings: ServerSettings, *, log: Any = None, ahead: bool = False
) -> FastAPI:
    """Make the application over an open store.

    Parameters
    ----------
    store : of the clinic; stays open, and is closed by who opened it.
    settings : how it runs.
    log : structured log; to standard error when None.
    ahead : whether worker processes begin with the server, not with the first job.
    """

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        app.state.accesses = AccessLog(store)
        if ahead:
            app.state.compute()
            threading.Thread(target=_read_ahead, daemon=True).start()
        try:
            yield
        finally:
            app.state.compute.close()
            app.state.accesses.close()

    app = FastAPI(
        title="Anagen",
        version=__version__,
        summary="The clinic's record, and the models over it.",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=running,
        redirect_slashes=False,
    )
    app.state.store, app.state.settings = store, settings
    app.state.log, app.state.metrics = log or make_log(), Metrics()
    app.state.names = NameIndex()
    app.state.compute = Compute(store, settings, app.state.log)
    app.user_middleware.extend(
        (
            Middleware(Around, state=app.state, secure=settings.secure),
            Middleware(TrustedHostMiddleware, allowed_hosts=settings.allowed_names),
        )
    )
    problems.install(app)
    for router in _routers():
        app.include_router(router, prefix=PREFIX)
    app.include_router(clinic_routes.open_router)
    for router in console_routers():
        app.include_router(router)
    app.mount("/static", static_files(), name="static")
    _describe(app)
    return app


def _routers() -> tuple[APIRouter, ...]:
    return (
        account_routes.router,
        people_routes.router,
        photograph_routes.router,
        job_routes.router,
        overview_routes.router,
        scalp_routes.router,
        document_routes.make_router(),
        clinic_routes.router,
    )


def _describe(app: FastAPI) -> None:
    """Add to the OpenAPI document what FastAPI does not say by itself."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = plain()
            parts = document.setdefault("components", {})
            template = "#/components/schemas/{model}"
            schema = problems.ProblemDetails.model_json_schema(ref_template=template)
            nested = schema.pop("$defs", {})
            parts.setdefault("schemas", {}).update({**nested, "ProblemDetails": schema})
            parts["securitySchemes"] = {
                "token": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "anagen_sign_in"},
            }
            document["security"] = [{"token": []}, {"cookie": []}]
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]
