"""The web console as a reader feels it: first page, weight, page changes, drawing, forecasts.

Measured in a real browser on the installed wheel, on this machine. Playwright and Chromium come
with the tests (`make test` sets both up).
"""

import argparse
import contextlib
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
from _measure import against, show

# The tests know how to install the wheel, make a small clinic and draw on the editor.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from console_clinic import PASSWORD, WHOLE, Clinic, make_clinic, weight_of
from installed import InstalledServer, install
from playwright.sync_api import BrowserContext, Page, sync_playwright
from scalp_strokes import stage

FIRST_PAGE, PAGE_CHANGE, PANEL = 1.0, 0.2, 0.5  # targets [s]
MOST_KB, FRAMES = 200, 60
PAGES = ("/", "/people", f"/people/{WHOLE}", f"/people/{WHOLE}/visit", f"/people/{WHOLE}/treat",
         f"/people/{WHOLE}/review", "/evidence", "/account")  # fmt: skip
USERS, STRENGTHS = 10, ("4", "3", "2,5", "4,5", "3,5", "6", "7", "8")
FOLLOW = """async (box) => {
  const host = document.querySelector(".ae-stage"), stamps = [];
  host.setPointerCapture = () => {};
  const send = (type, x, y) => host.dispatchEvent(new PointerEvent(type, {pointerId: 1,
    isPrimary: true, clientX: box.x + x * box.width, clientY: box.y + y * box.height,
    bubbles: true, button: type === "pointermove" ? -1 : 0}));
  send("pointerdown", 0.3, 0.6);
  for (let i = 0; i < 120; i += 1) {
    for (let k = 0; k < 4; k += 1) send("pointermove", 0.3 + 0.3 * i / 120 + 0.0005 * k, 0.6);
    stamps.push(await new Promise(requestAnimationFrame));
  }
  send("pointerup", 0.6, 0.6);
  return stamps;
}"""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rounds", type=int, default=10, help="times that each page is opened")
    rounds = asked.parse_args().rounds
    rows: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as (clinic, first):
        rows.append(
            (
                "First page after the start",
                f"{first:.2f} s of {FIRST_PAGE:g} s",
                met(first, FIRST_PAGE),
            )
        )
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=_chromium(), args=["--no-sandbox"])
            for name in ("/sign-in", "/", f"/people/{WHOLE}", f"/people/{WHOLE}/visit"):
                context = clinic.signed_in(browser)
                size = weight_of(context, clinic.url + name) / 1000
                rows.append((f"Weight of {name}", f"{size:.0f} kB", met(size, MOST_KB)))
                context.close()
            context = clinic.signed_in(browser)
            rows += changes(context, clinic, rounds)
            rows.append(drawing(context, clinic))
            rows.append(panel(context, clinic))
            browser.close()
        rows += memory(clinic)
    show("Console", ("", "measured", "target"), rows)


def met(value: float, target: float) -> str:
    """Tell whether a value is no more than its target."""
    return against(value, target, least=False)


def _chromium() -> str | None:
    import shutil

    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextlib.contextmanager
def served(folder: Path) -> Iterator[tuple[Clinic, float]]:
    """Serve a small clinic; also gives the time from the start to the first page [s]."""
    keys = make_clinic(folder / "record")
    server = InstalledServer(install(folder), folder / "record", folder / "log")
    # Once before, so that Python has compiled what was installed.
    server.start()
    server.stop()
    began = time.monotonic()
    server.start()
    httpx.get(f"{server.url}/sign-in", trust_env=False).raise_for_status()
    first = time.monotonic() - began
    try:
        yield Clinic(server, keys=keys), first
    finally:
        server.stop()


def changes(context: BrowserContext, clinic: Clinic, rounds: int) -> list[tuple[str, ...]]:
    """How long it takes from one page to the next, until it is laid out."""
    page = context.new_page()
    took: dict[str, list[float]] = {name: [] for name in PAGES}
    for at in range(rounds + 1):
        for name in PAGES:
            page.goto(clinic.url + name, wait_until="load")
            value = page.evaluate(
                "() => performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
            )
            if at:
                took[name].append(value / 1000)
    page.close()
    rows: list[tuple[str, ...]] = []
    for name, values in took.items():
        late = float(np.percentile(values, 95))
        rows.append(
            (
                f"To {name}, 95 of 100",
                f"{1000 * late:.0f} ms",
                met(late, PAGE_CHANGE),
            )
        )
    return rows


def drawing(context: BrowserContext, clinic: Clinic) -> tuple[str, ...]:
    """Frames a second while a line is drawn, four pointer events a frame."""
    page = context.new_page()
    page.goto(f"{clinic.url}/people/{WHOLE}/visit")
    stage(page).wait_for()
    page.click("[data-tool=draw]")
    stage(page).scroll_into_view_if_needed()
    stamps = np.asarray(page.evaluate(FOLLOW, stage(page).bounding_box()))
    page.close()
    rate = 1000 / float(np.median(np.diff(stamps)))
    worst = float(np.percentile(np.diff(stamps), 95))
    return ("Frames while drawing", f"{rate:.0f} a second (95 of 100 within {worst:.0f} ms)",
            f"{FRAMES} a second")  # fmt: skip


def panel(context: BrowserContext, clinic: Clinic) -> tuple[str, ...]:
    """From a change of the plan to its new forecast."""
    page = context.new_page()
    page.goto(f"{clinic.url}/people/{WHOLE}/plan")
    _wait(page)
    took = []
    for strength in STRENGTHS:
        before = page.locator("input[name=forecast]").input_value()
        began = time.monotonic()
        page.locator("#strength_mg_per_mL").fill(strength)
        page.wait_for_function(
            "(before) => document.querySelector('input[name=forecast]')?.value !== before",
            arg=before,
        )
        _wait(page)
        took.append(time.monotonic() - began)
    page.close()
    late = float(np.percentile(took, 95))
    return (
        "Forecast after a change, 95 of 100",
        f"{late:.2f} s",
        met(late, PANEL),
    )


def _wait(page: Page) -> None:
    page.wait_for_function(
        "() => !document.querySelector('[data-working], [aria-busy=true]')", timeout=300_000
    )


def memory(clinic: Clinic) -> list[tuple[str, ...]]:
    """Resident memory of the server after ten people have gone through its pages."""

    def signed_in() -> httpx.Client:
        client = httpx.Client(base_url=clinic.url, trust_env=False, timeout=60)
        answer = client.post("/sign-in", data={"name": "anna", "password": PASSWORD, "then": "/"})
        assert answer.status_code == 303, answer.text
        return client

    def go(client: httpx.Client) -> None:
        with client:
            for _ in range(3):
                for name in PAGES:
                    client.get(name).raise_for_status()

    users = [threading.Thread(target=go, args=(signed_in(),)) for _ in range(USERS)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    process = clinic.server.process
    assert process is not None
    own, others = _resident_mb(process.pid), 0.0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if path.read_text().rpartition(")")[2].split()[1] == str(process.pid):
                others += _resident_mb(int(path.parent.name))
    return [(f"Server with {USERS} users", f"{own:.0f} MB", ""),
            ("Its workers that compute", f"{others:.0f} MB", "")]  # fmt: skip


def _resident_mb(pid: int) -> float:
    with contextlib.suppress(OSError, IndexError):
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        return int(text.partition("VmRSS:")[2].split()[0]) / 1024
    return 0.0


if __name__ == "__main__":
    main()
