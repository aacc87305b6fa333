"""Takes the pictures of the console that the documentation shows, from a demonstration clinic.

The clinic is copied first, so that looking at it leaves nothing in it. Nobody in it exists.
Usage: python scripts/take_screenshots.py --clinic out/clinic --account out/clinic-account.json
"""

import argparse
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import BrowserContext, Page, sync_playwright

# People of the demonstration clinic (seed 1): a course under way, and one that begins.
SEEN, TREATED = "D003", "D034"
WIDTH = 1280
# Hairs are drawn over several frames [ms].
PAUSE = 2500
SECONDS_TO_START, SECONDS_TO_COMPUTE = 60, 90
MOST_BYTES = 250_000
# Fewer colours until a picture is small enough.
COLOURS = (256, 128, 64, 32)
SOFTWARE_GL = (
    "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
)  # fmt: skip


@dataclass(frozen=True)
class Shot:
    """One picture.

    Parameters
    ----------
    name : of the file; path : of the page.
    height : of the picture [pixel].
    ready : selector of what must be there.
    press : selector of what is pressed then.
    week : to which a slider is moved.
    """

    name: str
    path: str
    height: int = 900
    ready: str = "main"
    press: str = ""
    week: int | None = None


SHOTS = (
    Shot("today", "/", 620),
    Shot("patient", f"/people/{SEEN}", 1180, "[data-course][data-state=done]"),
    Shot("visit", f"/people/{SEEN}/visit", 1240, ".ae-stage", press="[data-view=back]"),
    Shot("plan", f"/people/{TREATED}/plan", 1180, "[data-outlook=charts] svg"),
    Shot("treat", f"/people/{TREATED}/treat", 1000, "[data-row]"),
    Shot("hair", f"/people/{TREATED}/hair", 900, "canvas", week=12),
    Shot("documents", f"/people/{SEEN}/documents", 900, ".print-card"),
)


def main() -> None:
    """Take all pictures, or some."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--clinic", type=Path, default=Path("out/clinic"))
    asked.add_argument("--account", type=Path, default=Path("out/clinic-account.json"))
    asked.add_argument("--folder", type=Path, default=Path("docs/pictures"))
    asked.add_argument("names", nargs="*", help="pictures to take; all when none is named")
    given = asked.parse_args()
    account = json.loads(given.account.read_text(encoding="utf-8"))
    given.folder.mkdir(parents=True, exist_ok=True)
    shots = [shot for shot in SHOTS if not given.names or shot.name in given.names]
    with (
        served(given.clinic) as address,
        window(address, account["account"], account["password"]) as context,
    ):
        for shot in shots:
            raw = packed(taken(context, address, shot))
            (given.folder / f"{shot.name}.png").write_bytes(raw)
            print(f"{shot.name}.png: {len(raw) // 1000} kB")


@contextmanager
def served(clinic: Path) -> Iterator[str]:
    """Serve a copy of a clinic; gives its address."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "clinic"
        shutil.copytree(clinic, copy)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = Path(sys.executable).with_name("anagen")
        process = subprocess.Popen(
            [command, "serve", "--data", copy, "--port", str(port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        address = f"http://127.0.0.1:{port}"
        try:
            wait_until_healthy(address, process)
            yield address
        finally:
            process.terminate()
            process.wait()


def wait_until_healthy(address: str, process: "subprocess.Popen[bytes]") -> None:
    """Wait for the server.

    Raises
    ------
    RuntimeError
        When it ended, or needs too long.
    """
    until = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/healthz").close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the server did not start: try anagen serve --data with this clinic")


@contextmanager
def window(address: str, account: str, password: str) -> Iterator[BrowserContext]:
    """Open a browser window of somebody who is signed in."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=SOFTWARE_GL)
        context = browser.new_context(
            viewport={"width": WIDTH, "height": 900}, locale="en-GB", reduced_motion="reduce"
        )
        page = context.new_page()
        page.goto(f"{address}/sign-in")
        page.fill("#name", account)
        page.fill("#password", password)
        page.click("main button")
        page.wait_for_url(f"{address}/")
        page.close()
        yield context
        browser.close()


def taken(context: BrowserContext, address: str, shot: Shot) -> bytes:
    """Take one picture, when everything on the page is drawn and computed."""
    page = context.new_page()
    page.set_viewport_size({"width": WIDTH, "height": shot.height})
    page.goto(address + shot.path, timeout=1000 * SECONDS_TO_COMPUTE)
    settle(page, shot.ready)
    if shot.press:
        page.click(shot.press)
    if shot.week is not None:
        page.locator("main input[type=range]").first.fill(str(shot.week))
    if shot.press or shot.week is not None:
        page.wait_for_timeout(PAUSE)
    page.evaluate("() => scrollTo(0, 0)")
    raw = page.screenshot(animations="disabled", caret="hide")
    page.close()
    return raw


def settle(page: Page, ready: str) -> None:
    """Wait until nothing is computed any more and what is asked for is there."""
    page.locator(ready).first.wait_for(timeout=1000 * SECONDS_TO_COMPUTE)
    page.wait_for_function(
        """() => !document.querySelector(
             "[data-working], [data-state=active], [aria-busy=true], .stale")""",
        timeout=1000 * SECONDS_TO_COMPUTE,
    )
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(PAUSE)


def packed(raw: bytes) -> bytes:
    """Make a picture small, with as many colours as fit."""
    picture = Image.open(BytesIO(raw)).convert("RGB")
    small = b""
    for colours in COLOURS:
        kept = BytesIO()
        picture.quantize(colours, dither=Image.Dither.NONE).save(kept, "PNG", optimize=True)
        small = kept.getvalue()
        if len(small) <= MOST_BYTES:
            break
    return small


if __name__ == "__main__":
    main()
