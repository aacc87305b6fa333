"""A server for tests, with accounts of every role and a small person."""

import io
import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from argon2 import PasswordHasher
from PIL import Image

from anagen.clinic import jobs
from anagen.clinic.accounts import change_account, make_account
from anagen.clinic.documents import Identity, Person
from anagen.clinic.people import enrol
from anagen.clinic.permissions import CONSOLE, Actor, permissions_of
from anagen.clinic.store import Store
from anagen.clinic.tokens import make_token
from anagen.web.app import make_app
from anagen.web.logs import make_log
from anagen.web.settings import ServerSettings
from anagen.web.workers import Load, filled

with warnings.catch_warnings():
    # It asks for the successor of httpx, which nothing else here needs.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "four brown hens"
NUMBER, OTHER_NUMBER = "A-1", "B-2"
NAME, BORN = "Wilhelmina Ebersbach", "1987-06-05"
API = "/api/v1"
ACCOUNTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "admin": ("administrator",),
        "clinician": ("clinician",),
        "colleague": ("clinician",),
        "assistant": ("assistant",),
        "researcher": ("researcher",),
        "reader": ("reader",),
        "former": ("clinician",),
    }
)


@dataclass(frozen=True)
class Server:
    """A running application: by name of the account, requests with its API token."""

    app: Any
    client: Any
    store: Store
    log: io.StringIO
    tokens: dict[str, str] = field(default_factory=dict)

    def ask(
        self, who: str | None, method: str, path: str, *, headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Any:  # fmt: skip
        """Send a request to the API as somebody, or as nobody, without any cookie."""
        given = path.startswith(("/api/", "/healthz", "/metrics"))
        address = path if given else f"{API}{path}"
        return self.page(who, method, address, headers=headers, **more)

    def page(
        self, who: str | None, method: str, path: str, *, headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Any:  # fmt: skip
        """Send a request to any address."""
        self.client.cookies.clear()
        sent = dict(headers or {})
        if who is not None:
            sent["Authorization"] = f"Bearer {self.tokens[who]}"
        return self.client.request(method, path, headers=sent, **more)

    def sign_in(self, name: str, password: str = PASSWORD) -> dict[str, str]:
        """Sign in; gives the headers that a browser sends then, with the word against forgery."""
        self.client.cookies.clear()
        answer = self.client.post(f"{API}/session", json={"name": name, "password": password})
        assert answer.status_code == 201, answer.text
        cookie = answer.headers["set-cookie"].partition(";")[0]
        self.client.cookies.clear()
        return {"Cookie": cookie, "X-CSRF-Token": answer.json()["csrf"]}

    def lines(self) -> list[dict[str, Any]]:
        """Lines of the server's log so far."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]


class Still:
    """Workers that queue and never compute, so that no process begins.

    Parameters
    ----------
    store : open store.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def __call__(self) -> "Still":
        return self

    def submit(self, actor: Actor, asked: Any) -> jobs.Job:
        whole = filled(self.store, actor, asked).model_dump_json(exclude_none=True)
        return jobs.add_job(self.store, actor, asked.kind, asked.person, whole)

    def wait(self, actor: Actor, key: str, _seconds: float) -> jobs.Job:
        return jobs.job(self.store, actor, key)

    def cancel(self, actor: Actor, key: str) -> jobs.Job:
        return jobs.cancel(self.store, actor, key)

    def load(self) -> Load:
        return Load(0, 0, 0)

    def close(self) -> None:
        """End nothing."""


@contextmanager
def served(store: Store, settings: ServerSettings | None = None, **more: Any) -> Iterator[Server]:
    """Serve a record until the end of the block."""
    settings = settings or ServerSettings(workers=1)
    log = io.StringIO()
    app = make_app(store, settings, log=make_log(log))
    scheme = "https" if settings.secure else "http"
    client = TestClient(
        app, base_url=f"{scheme}://127.0.0.1", client=("127.0.0.1", 50000),
        raise_server_exceptions=False, follow_redirects=False, **more,
    )  # fmt: skip
    app.state.compute = Still(store)
    with client:
        yield Server(app, client, store, log)


def actor_named(name: str) -> Actor:
    """An account, acting as if signed in."""
    roles: Any = ACCOUNTS[name]
    return Actor(name, permissions_of(roles), roles)


def populate(store: Store) -> dict[str, str]:
    """Make the accounts, a token for each, and two people; gives the tokens."""
    tokens = {}
    for name, roles in ACCOUNTS.items():
        make_account(store, CONSOLE, name, name.title(), roles, PASSWORD)
        scopes = sorted(permissions_of(roles))  # type: ignore[arg-type]
        tokens[name] = make_token(store, actor_named(name), "test", scopes, 30).secret
    change_account(store, CONSOLE, "former", disabled=True)
    person = Person.model_validate({"sex": "female", "weight_kg": 62.0})
    for number in (NUMBER, OTHER_NUMBER):
        identity = Identity.model_validate({"name": NAME, "born": BORN})
        enrol(store, actor_named("clinician"), person, identity, number=number)
    return tokens


def picture_bytes(form: str = "PNG", size: tuple[int, int] = (64, 48)) -> bytes:
    """A small photograph."""
    kept = io.BytesIO()
    Image.new("RGB", size, (200, 150, 120)).save(kept, form)
    return kept.getvalue()


_POINT = {"view": "top", "x": 0.5, "y": 0.5, "unit": "fraction"}
_SITE = {
    "number": 1, "location": _POINT, "patch": "p1", "product": "ta10",
    "strength_mg_per_mL": 5.0, "volume_mL": 0.1, "depth_mm": 3.0, "needle_gauge": 30,
}  # fmt: skip
_SESSION = {"date": "2026-03-02", "injections": [_SITE]}


def _visit(day: str, note: str) -> dict[str, Any]:
    corners = [[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.6]]
    outline = {"view": "top", "unit": "fraction", "points": corners}
    patch = {"id": "p1", "shape": {"outlines": [outline]}}
    return {"seen": {"date": day, "patches": [patch], "salt_percent": 8.0, "note": note}}


def _plan(day: str, note: str) -> dict[str, Any]:
    plan = {"patient": NUMBER, "protocol": "custom", "sessions": [{**_SESSION, "date": day}]}
    return {"plan": plan, "note": note}


# One small document of every kind, by day and note.
EXAMPLES: Mapping[str, Callable[[str, str], dict[str, Any]]] = MappingProxyType(
    {
        "person": lambda day, note: {"sex": "female", "weight_kg": 62.0, "note": note},
        "identity": lambda day, note: {"name": f"{NAME} {note}".strip(), "born": BORN},
        "consent": lambda day, note: {
            "about": "photographs", "state": "given", "on": day, "note": note},
        "visit": _visit,
        "plan": _plan,
        "session": lambda day, note: {
            "session": {"date": day, "note": note}, "stage": "planned"},
        "session_summary": lambda day, note: {
            "date": day, "product": "ta10", "strength_mg_per_mL": 5.0,
            "patches": [{"sites": 2, "dose_mg": 1.0}], "note": note},
        "other_steroid": lambda day, note: {
            "drug": "prednisolone", "route": "oral", "start": day, "note": note},
        "adverse_event": lambda day, note: {
            "event": "headache", "grade": 1, "start": day, "note": note},
        "note": lambda day, note: {"on": day, "text": note or "calm"},
        "appointment": lambda day, note: {"on": day, "note": note},
    }
)  # fmt: skip
