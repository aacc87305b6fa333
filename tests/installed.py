"""Anagen as a user has it: a wheel, installed, and its server as a process."""

import os
import re
import subprocess
import sys
import sysconfig
import time
import venv
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import ZipFile

from databases import free_port
from processes import SECONDS_TO_START, child_environment, started

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
_CODE = re.compile(r"^ +((?:[0-9A-Z]{4}-)+[0-9A-Z]{4})$", re.M)


@dataclass(frozen=True)
class Installed:
    """A wheel and the environment that holds it.

    Parameters
    ----------
    wheel : the file.
    folder : of the environment.
    expected : files of the package when the wheel was built.
    """

    wheel: Path
    folder: Path
    expected: frozenset[str] = frozenset()

    @property
    def command(self) -> Path:
        """The command `anagen`."""
        return self.folder / "bin" / "anagen"

    @property
    def python(self) -> Path:
        """Its Python."""
        return self.folder / "bin" / "python"

    def names(self) -> set[str]:
        """Files in the wheel."""
        with ZipFile(self.wheel) as opened:
            return set(opened.namelist())

    def run(self, *arguments: str) -> str:
        """Run its Python; gives what it says."""
        done = subprocess.run(
            [self.python, *arguments], capture_output=True, text=True, check=True,
            env=user_environment(), cwd=self.folder,
        )  # fmt: skip
        return done.stdout


def user_environment() -> dict[str, str]:
    """Environment of a user, who has no path to the source."""
    return {name: value for name, value in child_environment().items()
            if name not in {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}}  # fmt: skip


def package_files() -> frozenset[str]:
    """Files of the package that git knows or would take; all of them where there is no git."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "src/anagen"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode == 0 and listed.stdout:
        names = {Path(line).relative_to("src") for line in listed.stdout.splitlines()}
        return frozenset(name.as_posix() for name in names if (SOURCE / name).is_file())
    found = (path for path in (SOURCE / "anagen").rglob("*") if path.is_file())
    return frozenset(
        path.relative_to(SOURCE).as_posix() for path in found if "__pycache__" not in path.parts
    )


def install(folder: Path) -> Installed:
    """Build the wheel and install it beside the packages of the tests, without any network.

    Parameters
    ----------
    folder : empty.
    """
    expected = package_files()
    _quietly([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)])
    (wheel,) = folder.glob("*.whl")
    made = Installed(wheel, folder / "environment", expected)
    venv.create(made.folder, with_pip=False, symlinks=True)
    _quietly([sys.executable, "-m", "pip", "--python", str(made.python), "install", "--no-deps",
              "--no-index", "--quiet", "--disable-pip-version-check", str(wheel)])  # fmt: skip
    (site,) = made.folder.glob("lib/python*/site-packages")
    # What Anagen needs is taken from here. A .pth file in a folder added so is not read, so the
    # editable installation stays out of sight.
    outside = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site / "outside.pth").write_text("\n".join(sorted(outside)) + "\n", encoding="utf-8")
    return made


def _quietly(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@dataclass
class InstalledServer:
    """`anagen serve` of an installed wheel.

    Parameters
    ----------
    installed : the wheel; folder : of the record; log : file for what it says.
    port : on this machine; process : once started.
    """

    installed: Installed
    folder: Path
    log: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def code(self) -> str:
        """Code for the first account, as printed."""
        found = _CODE.findall(self.log.read_text(encoding="utf-8"))
        assert found, self.log.read_text(encoding="utf-8")
        return str(found[-1])

    def start(self) -> float:
        """Start it and wait until it answers; gives how long that took [s]."""
        command = [self.installed.command, "serve", "--data", self.folder, "--port",
                   str(self.port), "--workers", "1"]  # fmt: skip
        began = time.monotonic()
        self.process = started(command, self.url, self.log, env=user_environment(), cwd=os.sep)
        return time.monotonic() - began

    def stop(self) -> None:
        """End it in order."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(SECONDS_TO_START)

    def faults(self) -> list[str]:
        """Lines of its log that tell of a fault."""
        return [line for line in self.log.read_text(encoding="utf-8").splitlines()
                if '"fault"' in line or "Traceback" in line]  # fmt: skip
