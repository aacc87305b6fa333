"""Whatever a file holds, it is read or refused with problems a person can act on."""

import copy
import json
import tomllib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anagen.errors import InputError
from anagen.patient import (
    Patient,
    facts,
    given_sessions,
    load_patient,
    patient_scalp,
    start_date,
    steroid_ledger,
)
from anagen.patient.files import check_document

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ("patient.json", "child.toml", "ophiasis.toml", "dose_limits.json")
BYTES = {name: (EXAMPLES / name).read_bytes() for name in NAMES}
TODAY = date(2026, 1, 1)
DOCUMENTS = [
    json.loads(BYTES["patient.json"]),
    json.loads(BYTES["dose_limits.json"]),
    tomllib.loads(BYTES["child.toml"].decode()),
]
SETTINGS = settings(
    deadline=None, derandomize=True, max_examples=150, suppress_health_check=list(HealthCheck)
)

NASTY = st.one_of(
    st.sampled_from(
        [
            None,
            True,
            False,
            0,
            -1,
            1,
            2.5,
            1e308,
            -1e308,
            1e-308,
            10**30,
            -(10**400),
            float("nan"),
            float("inf"),
            -float("inf"),
            "",
            " ",
            "nan",
            "1e5",
            "5 mg/mL",
            "56 cm",
            "5 parsec",
            "\0",
            "\ud800",
            "🙂",
            "../../x",
            "2025-01-14",
            "0001-01-01",
            "9999-12-31",
            "2025-02-30",
            [],
            {},
            [[]],
            [None],
            {"id": "P1"},
            [[1, 2]],
            "x" * 5000,
            date(2025, 1, 14),
        ]
    ),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.dates(),
)


def places(tree, path=()):
    """Paths of everything below a tree."""
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in inner:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))


@st.composite
def mutated(draw):
    """An example with a few values removed, replaced, doubled or renamed."""
    data = copy.deepcopy(draw(st.sampled_from(DOCUMENTS)))
    for _ in range(draw(st.integers(1, 3))):
        paths = list(places(data))
        if not paths:
            break
        path = draw(st.sampled_from(paths))
        holder = data
        for part in path[:-1]:
            holder = holder[part]
        deed = draw(st.sampled_from(["remove", "replace", "rename", "double", "scale"]))
        old = holder[path[-1]]
        if deed == "remove":
            del holder[path[-1]]
        elif deed == "rename" and isinstance(holder, dict):
            holder[draw(st.text(max_size=6))] = holder.pop(path[-1])
        elif deed == "double" and isinstance(holder, list):
            holder.append(copy.deepcopy(old))
        elif deed == "scale" and isinstance(old, int | float) and abs(old) < 1e9:
            holder[path[-1]] = old * draw(st.sampled_from([-1, 10, 100, 0.1, 1e6]))
        else:
            holder[path[-1]] = copy.deepcopy(draw(NASTY))
    return data


def assert_useful(problems):
    assert problems
    for problem in problems:
        parts = (problem.place, problem.expected, problem.found, problem.remedy)
        assert all(isinstance(part, str) and part.strip() for part in parts), parts
        assert max(map(len, parts)) < 2000


def assert_usable(patient):
    """A record that was accepted serves everything that is asked of it."""
    assert isinstance(patient, Patient)
    facts(patient, start_date(patient) or TODAY)
    steroid_ledger(patient)
    given_sessions(patient, patient_scalp(patient))


def read_or_refuse(file, content):
    file.write_bytes(content)
    try:
        patient = load_patient(file, today=TODAY)
    except InputError as raised:
        assert_useful(raised.problems)
    else:
        assert_usable(patient)


@SETTINGS
@given(data=mutated())
def test_a_mutated_document_is_taken_or_refused(data):
    patient, issues = check_document(data, today=TODAY)
    errors = [issue.problem() for issue in issues if issue.severity == "error"]
    if errors or patient is None:
        assert_useful(errors)
    else:
        assert_usable(patient)


@SETTINGS
@given(data=mutated())
def test_a_mutated_file_is_taken_or_refused(data, tmp_path_factory):
    text = json.dumps(data, default=str)  # NaN, Infinity and lone surrogates included
    read_or_refuse(tmp_path_factory.getbasetemp() / "fuzz.json", text.encode())


@pytest.mark.parametrize("name", NAMES)
@settings(SETTINGS, max_examples=40)
@given(share=st.floats(0, 1))
def test_a_truncated_file_is_refused(name, share, tmp_path_factory):
    content = BYTES[name]
    file = tmp_path_factory.getbasetemp() / f"cut_{name}"
    read_or_refuse(file, content[: int(share * len(content))])


@pytest.mark.parametrize("name", NAMES)
@settings(SETTINGS, max_examples=40)
@given(st.data())
def test_a_damaged_file_is_taken_or_refused(name, tmp_path_factory, data):
    content = bytearray(BYTES[name])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        end = min(at + data.draw(st.sampled_from([0, 1, 1, 2, 8])), len(content))
        content[at:end] = data.draw(
            st.binary(max_size=3)
            | st.sampled_from(
                [
                    b'"',
                    b"[",
                    b"]",
                    b"{",
                    b"}",
                    b",",
                    b"\n",
                    b"=",
                    b"-",
                    b"e",
                    b"9",
                    b".",
                    b"\\",
                    b"#",
                ]
            )
        )
    read_or_refuse(tmp_path_factory.getbasetemp() / f"damaged_{name}", bytes(content))


@pytest.mark.parametrize("suffix", [".json", ".toml"])
@SETTINGS
@given(
    content=st.binary(max_size=60)
    | st.text(max_size=60).map(lambda t: t.encode("utf-8", "surrogatepass"))
)
def test_random_bytes_are_refused(suffix, content, tmp_path_factory):
    read_or_refuse(tmp_path_factory.getbasetemp() / f"random{suffix}", content)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "visits",
                    "date",
                    "patches",
                    "shape",
                    "outlines",
                    "points",
                    "view",
                    "sessions",
                    "injections",
                    "weight_kg",
                    "history",
                    "x",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@SETTINGS
@given(data=JSON_VALUES)
def test_any_document_is_taken_or_refused(data):
    patient, issues = check_document(data, today=TODAY)
    errors = [issue.problem() for issue in issues if issue.severity == "error"]
    if patient is None or errors:
        assert_useful(errors)
    else:
        assert_usable(patient)
