"""A small clinic for browsers: somebody with a whole course, and as many others as a test needs."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

from installed import InstalledServer
from playwright.sync_api import Browser, BrowserContext, Page, StorageState
from web_server import picture_bytes

from anagen.clinic.accounts import make_account
from anagen.clinic.documents import (
    AdverseEvent,
    Appointment,
    Consent,
    Identity,
    Note,
    Person,
    PlanKept,
    SessionKept,
    VisitKept,
)
from anagen.clinic.entries import new_id
from anagen.clinic.people import enrol, keep
from anagen.clinic.permissions import CONSOLE, ROLES
from anagen.clinic.pictures import PictureNote, add_photograph
from anagen.clinic.places import find_places
from anagen.clinic.store import Store, close_store, open_store
from anagen.patient import PatchSeen, Visit
from anagen.scalp import build_scalp, circle_outline, patch_cells
from anagen.scalp.shapes import PatchShape

PASSWORD = "four brown hens"
ACCOUNTS = ("anna", "bert")
WHOLE = "C-1"
TODAY = date.today()
# Refusals are pages of their own; the browser notes them, and they are no fault of the page.
_NOTED = ("status of 401", "status of 403", "status of 404", "status of 412", "status of 422",
          "status of 409", "ERR_INTERNET_DISCONNECTED", "ERR_CONNECTION_REFUSED")  # fmt: skip

PERSON = Person(
    sex="female", age_years=34.0, weight_kg=62.0, height_cm=168.0, skin_type=2, pregnant=False,
    breast_feeding=False, conditions=(), medicines=(), allergies=(),
    onset=TODAY - timedelta(days=200),
)  # fmt: skip


# What comes before charts and islands fetch more.
_OF_THE_PAGE = {"Document", "Stylesheet", "Script", "Image", "Font"}


def weight_of(context: BrowserContext, address: str) -> int:
    """Bytes of a page on the wire, with stylesheet and scripts."""
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    kinds: dict[str, str] = {}
    sizes: dict[str, int] = {}

    def answered(one: dict[str, Any]) -> None:
        kinds[one["requestId"]] = one["type"]

    def loaded(one: dict[str, Any]) -> None:
        sizes[one["requestId"]] = int(one["encodedDataLength"])

    devtools.on("Network.responseReceived", answered)
    devtools.on("Network.loadingFinished", loaded)
    page.goto(address, wait_until="networkidle")
    return sum(size for name, size in sizes.items() if kinds.get(name) in _OF_THE_PAGE)


def shape(x: float, y: float, diameter: float) -> PatchShape:
    """A round patch on the top of the head; in mm."""
    return PatchShape(outlines=(circle_outline("top", x, y, diameter),))


def plan_of(number: str, start: date, sessions: int = 3) -> Any:
    """A plan for a patch on the crown that no rule forbids."""
    from anagen.treatment.planning import make_plan

    scalp = build_scalp()
    cover = {"P1": patch_cells(scalp, shape(80.0, 120.0, 24.0)).astype(float)}
    return make_plan(scalp, cover, "us-experts", start, patient_id=number, sessions=sessions)


@dataclass
class Clinic:
    """The small clinic and its server.

    Parameters
    ----------
    server : installed from the wheel, running.
    states : cookies of who signed in, by account.
    keys : of the documents of the person with the whole course, by kind.
    """

    server: InstalledServer
    states: dict[str, StorageState] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    counter: Any = field(default_factory=lambda: itertools.count(2))

    @property
    def url(self) -> str:
        """Address of the server."""
        return self.server.url

    def somebody(self, *, seen: bool = True, planned: bool = False) -> str:
        """Take in somebody new, with a visit and an accepted plan if wished; gives the number."""
        number = f"C-{next(self.counter)}"
        with opened(self.server.folder) as store:
            _take_in(store, number, "")
            if seen or planned:
                _visit(store, number, TODAY - timedelta(days=1), regrowth=0.0)
            if planned:
                keep(store, CONSOLE, number, "plan",
                     PlanKept(plan=plan_of(number, TODAY), state="accepted"))  # fmt: skip
        return number

    def plan(self, number: str, **more: Any) -> str:
        """Let a plan be accepted."""
        with opened(self.server.folder) as store:
            made = PlanKept(plan=plan_of(number, TODAY, **more), state="accepted")
            return keep(store, CONSOLE, number, "plan", made).entry.id

    def signed_in(self, browser: Browser, account: str = "anna", **options: Any) -> BrowserContext:
        """Give a browser window of somebody who is signed in."""
        if account not in self.states:
            context = browser.new_context()
            page = context.new_page()
            sign_in(page, self.url, account)
            self.states[account] = context.storage_state()
            context.close()
        sized = {"viewport": {"width": 1280, "height": 900}, **options}
        context = browser.new_context(storage_state=self.states[account], **sized)
        context.set_default_timeout(30_000)
        return context


@dataclass
class Watched:
    """What went wrong on a page, as its browser told.

    Parameters
    ----------
    errors : of the console, and of scripts; away : requests that would leave the machine.
    """

    errors: list[str] = field(default_factory=list)
    away: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Fail when anything went wrong."""
        assert self.errors == []
        assert self.away == []


def watch(page: Page) -> Watched:
    """Note what goes wrong on a page from now on; breaches of its policy are errors too."""
    seen = Watched()

    def said(message: Any) -> None:
        if message.type == "error" and not any(one in message.text for one in _NOTED):
            seen.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def asked(request: Any) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            seen.away.append(request.url)

    page.on("console", said)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("request", asked)
    return seen


def sign_in(page: Page, url: str, account: str, password: str = PASSWORD) -> None:
    """Sign in by the form."""
    page.goto(f"{url}/sign-in")
    page.fill("#name", account)
    page.fill("#password", password)
    page.click("main button")
    page.wait_for_url(f"{url}/")


@contextmanager
def opened(folder: Path) -> Iterator[Store]:
    """Open the record beside the server."""
    store = open_store(find_places(folder))
    try:
        yield store
    finally:
        close_store(store)


def make_clinic(folder: Path) -> dict[str, str]:
    """Make the record; gives the keys of the documents of the person with the whole course."""
    with opened(folder) as store:
        for name in ACCOUNTS:
            make_account(store, CONSOLE, name, name.title(), ROLES, PASSWORD)
        _take_in(store, WHOLE, "Wilhelmina Ebersbach")
        return dict(_whole_course(store))


def _take_in(store: Store, number: str, name: str) -> None:
    identity = Identity(name=name) if name else None
    enrol(store, CONSOLE, PERSON, identity, number=number)


def _visit(store: Store, number: str, day: date, regrowth: float) -> str:
    seen = (
        PatchSeen(id="P1", shape=shape(80.0, 120.0, 24.0), regrowth_percent=regrowth),
        PatchSeen(id="P2", shape=shape(60.0, 70.0, 16.0), regrowth_percent=regrowth),
    )
    return keep(store, CONSOLE, number, "visit",
                VisitKept(seen=Visit(date=day, patches=seen))).entry.id  # fmt: skip


def _whole_course(store: Store) -> Iterator[tuple[str, str]]:
    """Keep one of everything, as over twelve weeks."""
    first, middle = TODAY - timedelta(days=85), TODAY - timedelta(days=43)
    yield "first_visit", _visit(store, WHOLE, first, 0.0)

    def kept(kind: str, document: Any) -> tuple[str, str]:
        return kind, keep(store, CONSOLE, WHOLE, kind, document).entry.id

    for about in ("treatment", "photographs"):
        yield kept("consent", Consent(about=about, state="given", on=first))
    plan = plan_of(WHOLE, first)
    yield kept("plan", PlanKept(plan=plan, state="accepted"))
    for at, session in enumerate(plan.sessions[:2]):
        given = session.model_copy(
            update={"injections": tuple(one.model_copy(update={"status": "given", "lot": "L1"})
                                        for one in session.injections)}
        )  # fmt: skip
        yield kept(
            "session", SessionKept(session=given, stage="given", signed_by="AB", pain=3 + at)
        )
    yield "visit", _visit(store, WHOLE, middle, 40.0)
    yield kept("adverse_event", AdverseEvent(event="headache", grade=1, start=middle))
    yield kept("note", Note(on=middle, text="Calm. <script>alert(1)</script>"))
    yield kept("appointment", Appointment(on=TODAY, at=time(9, 30), purpose="review"))
    note = PictureNote(middle, "top")
    key = new_id()
    add_photograph(store, CONSOLE, WHOLE, picture_bytes(), note, key=key)
    yield "photograph", key
