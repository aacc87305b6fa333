"""The API against its own description: made-up requests, alone and in stories along its links.

A few hundred run with the tests; ``make fuzz`` sends ten thousand or more and prints how many.
"""

import argparse
import contextlib
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test
from schemathesis.python.asgi import shutdown_lifespans
from schemathesis.specs.openapi import checks
from web_server import CHEAP, EXAMPLES, NUMBER, PASSWORD, Still, populate

from anagen.clinic import passwords
from anagen.clinic.accounts import change_account, make_account
from anagen.clinic.documents import KINDS
from anagen.clinic.people import keep
from anagen.clinic.permissions import CONSOLE, PERMISSIONS, ROLES, Actor
from anagen.clinic.places import find_places
from anagen.clinic.store import Store, close_store, open_store
from anagen.clinic.tokens import make_token
from anagen.web.app import make_app
from anagen.web.logs import make_log
from anagen.web.settings import ServerSettings

KEY = "0123456789abcdef"
BASE = "http://127.0.0.1"
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
# What is slow to draw is no fault of the server.
CALM = tuple(HealthCheck)


@dataclass
class Tally:
    """How many requests were sent, by status, and what was wrong."""

    statuses: Counter[int] = field(default_factory=Counter)
    operations: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)

    @property
    def sent(self) -> int:
        return sum(self.statuses.values())

    @property
    def shut_out(self) -> bool:
        """Whether so many requests were refused at the door that the run shows little."""
        return 10 * (self.statuses[401] + self.statuses[403]) > self.sent


class Headers(dict[str, str]):
    """Headers of an account that may do everything; it may also end its own token, or itself.

    Parameters
    ----------
    store : open store.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(Host="127.0.0.1")
        self.store = store

    def renew(self) -> None:
        """Let the account in again."""
        change_account(self.store, CONSOLE, "everyone", roles=ROLES, disabled=False)
        everyone = Actor("everyone", frozenset(PERMISSIONS), ROLES)
        token = make_token(self.store, everyone, "fuzz", PERMISSIONS, 30).secret
        self["Authorization"] = f"Bearer {token}"


@contextlib.contextmanager
def described(store: Store, log: Any) -> Any:
    """Schema of an application over a store, and headers of an account that may do everything."""
    populate(store)
    for kind, example in EXAMPLES.items():
        if not KINDS[kind].one_per_person:
            document = KINDS[kind].model.model_validate(example("2026-03-02", ""))
            keep(store, CONSOLE, NUMBER, kind, document, key=KEY)
    make_account(store, CONSOLE, "everyone", "Everyone", ROLES, PASSWORD)
    headers = Headers(store)
    headers.renew()
    app = make_app(store, ServerSettings(workers=1), log=make_log(log))
    app.state.compute = Still(store)
    try:
        schema = schemathesis.openapi.from_asgi(
            "/api/v1/openapi.json", app, headers={"Host": "127.0.0.1"}
        )
        aim(schema)
        yield schema, headers
    finally:
        shutdown_lifespans()


def aim(schema: Any) -> None:
    """Let most requests be about somebody and a version that are there, so that they get far."""

    @schema.hook
    def map_path_parameters(_context: Any, path_parameters: Any) -> Any:
        there = {"number": NUMBER, "key": KEY}
        return path_parameters and {
            name: there[name] if name in there and len(str(drawn)) % 4 else drawn
            for name, drawn in path_parameters.items()
        }

    @schema.hook
    def map_headers(_context: Any, headers: Any) -> Any:
        if headers is not None and len(str(headers)) % 4 and "If-Match" not in headers:
            return {**headers, "If-Match": '"1"'}
        return headers


def send(case: Any, headers: Headers, tally: Tally) -> Any:
    """Send one request and check its answer."""
    answer = case.call(base_url=BASE, headers=headers)
    tally.statuses[answer.status_code] += 1
    tally.operations.add(case.operation.label)
    if answer.status_code in (401, 403):
        headers.renew()
    return answer


def judge(case: Any, answer: Any, tally: Tally) -> None:
    """Note what of an answer is not as described."""
    try:
        case.validate_response(answer, checks=CHECKS)
    except AssertionError as error:
        tally.failures.append(f"{case.operation.label}: {error}")
    except BaseExceptionGroup as errors:
        tally.failures += [f"{case.operation.label}: {one}" for one in errors.exceptions]


def single_requests(schema: Any, headers: Headers, each: int, chosen: int, tally: Tally) -> None:
    """Send so many made-up requests to each operation."""
    for result in schema.get_all_operations():
        operation = result.ok()

        @seed(chosen)
        @settings(max_examples=each, deadline=None, database=None, derandomize=False,
                  phases=[Phase.generate], suppress_health_check=CALM)  # fmt: skip
        @given(case=operation.as_strategy())
        def one(case: Any) -> None:
            judge(case, send(case, headers, tally), tally)

        one()


def stories(
    schema: Any, headers: Headers, count: int, steps: int, chosen: int, tally: Tally
) -> None:
    """Send so many chains of requests, each going on from the answers before."""

    class Story(schema.as_state_machine()):  # type: ignore[misc]
        def call(self, case: Any, **_: Any) -> Any:
            return send(case, headers, tally)

        def validate_response(self, response: Any, case: Any, **_: Any) -> None:
            judge(case, response, tally)

    # The record goes on from story to story, so the same draws need not lead to the same answers.
    with contextlib.suppress(Flaky):
        run_state_machine_as_test(
            seed(chosen)(Story),
            settings=settings(
                max_examples=count, stateful_step_count=steps, deadline=None, database=None,
                derandomize=False, phases=[Phase.generate], suppress_health_check=CALM,
            ),
        )  # fmt: skip


def main() -> int:
    """Send requests until there are enough, and tell how many and what was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=20261123)
    parser.add_argument("--minutes", type=float, default=60.0)
    asked = parser.parse_args()
    passwords.HASHER = CHEAP
    warnings.simplefilter("ignore")
    tally, began, turn = Tally(), time.monotonic(), 0
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w") as log:
        store = open_store(find_places(Path(folder) / "clinic", environment={}))
        with described(store, log) as (schema, headers):
            while tally.sent < asked.cases and time.monotonic() < began + 60 * asked.minutes:
                single_requests(schema, headers, 20, asked.seed + turn, tally)
                stories(schema, headers, 40, 10, asked.seed + turn, tally)
                turn += 1
                print(f"{tally.sent} requests, {len(tally.failures)} wrong", flush=True)
        close_store(store)
    for line, times in Counter(tally.failures).most_common(100):
        print(f"\n{times} times: {line}")
    statuses = ", ".join(f"{status}: {n}" for status, n in sorted(tally.statuses.items()))
    seconds = time.monotonic() - began
    print(f"\n{tally.sent} requests to {len(tally.operations)} operations in {seconds:.0f} s, "
          f"{len(tally.failures)} wrong. By status: {statuses}")  # fmt: skip
    return 1 if tally.failures or tally.sent < asked.cases or tally.shut_out else 0


if __name__ == "__main__":
    raise SystemExit(main())
