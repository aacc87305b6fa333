"""A browser, and small servers of single pages for it."""

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from console_clinic import Clinic, make_clinic
from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles
from installed import Installed, InstalledServer, install
from playwright.sync_api import Browser, Page, sync_playwright

import anagen.web

PAGES = Path(__file__).with_name("pages")
STATIC = Path(anagen.web.__file__).with_name("static")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'"
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, the system's where there is one."""
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Anagen as a user has it: the wheel in an environment of its own."""
    return install(tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="session")
def clinic(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """A small clinic, served from the wheel."""
    folder = tmp_path_factory.mktemp("clinic")
    keys = make_clinic(folder / "record")
    server = InstalledServer(installed, folder / "record", folder / "server.log")
    server.start()
    try:
        yield Clinic(server, keys=keys)
        assert server.faults() == []
    finally:
        server.stop()


@dataclass
class EditorSite:
    """A server of the editor's page; `model` is what the page begins with."""

    address: str = ""
    model: dict[str, Any] = field(default_factory=dict)
    sent: list[dict[str, Any]] = field(default_factory=list)
    measured: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture(scope="session")
def editor_server() -> Iterator[EditorSite]:
    """Serve the editor's page, its static files and what it asks the server."""
    from anagen.web.api import scalp_routes

    site = EditorSite()
    scalp_routes.prepare()
    server = uvicorn.Server(
        uvicorn.Config(_editor_app(site), port=0, log_level="warning", ws="none")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    site.address = f"http://127.0.0.1:{port}"
    yield site
    server.should_exit = True
    thread.join()


@pytest.fixture
def site(editor_server: EditorSite) -> EditorSite:
    """The editor's page with nothing drawn yet."""
    editor_server.model = {
        "geometry_url": "/scalp", "measure_url": "/scalp/measure", "csrf": "word",
        "draft_key": "visit-1", "scales": [_scale()],
    }  # fmt: skip
    editor_server.sent.clear()
    editor_server.measured.clear()
    return editor_server


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open pages that may not write errors to the console; `errors` of the page lists them."""
    contexts = []

    def opened(address: str, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 1000}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        errors: list[str] = []
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.errors = errors  # type: ignore[attr-defined]
        page.goto(address)
        page.wait_for_selector("html[data-ready=true]")
        return page

    yield opened
    for context in contexts:
        context.close()


def _scale() -> dict[str, Any]:
    from anagen.evidence.scales import load_scales

    scale = load_scales().regrowth["rgs"]
    grades = [
        {"label": g.label, "meaning": g.meaning, "lower": g.lower, "upper": g.upper}
        for g in scale.grades
    ]
    return {"key": "rgs", "name": scale.name, "grades": grades}


def _editor_app(site: EditorSite) -> FastAPI:
    from anagen.web.api.scalp_routes import Drawn, measure, read_scalp

    app = FastAPI()

    @app.get("/")
    def page() -> Response:
        text = (PAGES / "editor.html").read_text()
        safe = json.dumps(site.model).replace("<", "\\u003c")
        return Response(
            text.replace("MODEL", safe), media_type="text/html",
            headers={"Content-Security-Policy": POLICY},
        )  # fmt: skip

    @app.get("/scalp")
    def geometry() -> Response:
        return read_scalp()

    @app.post("/scalp/measure")
    def measured(request: Request, drawn: Drawn) -> Response:
        if request.headers.get("X-CSRF-Token") != "word":
            return Response(status_code=403)
        response = measure(request, drawn)
        site.measured.append(json.loads(response.body))
        return response

    @app.post("/keep")
    async def keep(request: Request) -> Response:
        form = await request.form()
        site.sent.append(json.loads(str(form["drawing"])))
        return Response('<link rel="icon" href="data:,"><p>Kept.</p>', media_type="text/html")

    app.mount("/static", StaticFiles(directory=STATIC))
    app.mount("/pages", StaticFiles(directory=PAGES))
    return app
