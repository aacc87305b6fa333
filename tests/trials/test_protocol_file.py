"""Protocol files: read as written, refused with file, line and remedy, never with a traceback."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from anagen.errors import InputError
from anagen.evidence.references import reference_keys
from anagen.trials.lint import check_protocol
from anagen.trials.lint_shape import tables, unsourced
from anagen.trials.protocol import (
    Protocol,
    end_week,
    fingerprint,
    protocol_schema,
    protocol_schema_json,
    session_weeks,
)
from anagen.trials.protocol_file import (
    LARGEST_BYTES,
    check_protocol_file,
    load_protocol_file,
    parse_protocol,
    read_protocol_file,
    shipped,
)

ROOT = Path(__file__).resolve().parents[2]
EXPECTED = {
    "five-against-ten",
    "forecast-guided-against-guideline",
    "injected-against-saline",
    "interval-head-to-head",
    "quadrant-strengths",
    "step-up-against-fixed",
}
MINIMAL = """
key = "mine"
title = "Mine"
question = "Which?"
source = "assumed"
design = "parallel"
unit = "patient"
people = 10
follow_up_weeks = 4
"""


def problems_of(text: str) -> list[str]:
    with pytest.raises(InputError) as raised:
        parse_protocol(text, "mine.toml")
    return [str(problem) for problem in raised.value.problems]


# --- what is shipped ---


def test_the_promised_protocols_are_shipped() -> None:
    assert set(shipped()) == EXPECTED


@pytest.mark.parametrize("key", sorted(EXPECTED))
def test_a_shipped_protocol_is_sound_and_has_its_own_key(key: str) -> None:
    file, lints = check_protocol_file(key)
    assert file.protocol.key == key
    assert file.shipped
    assert [lint for lint in lints if lint.severity == "error"] == []
    assert load_protocol_file(key) == file.protocol


@pytest.mark.parametrize("key", sorted(EXPECTED))
def test_every_number_of_a_shipped_protocol_has_a_source_or_is_assumed(key: str) -> None:
    protocol = read_protocol_file(key).protocol
    assert unsourced(protocol) == ()
    known = reference_keys() | {"assumed"}
    assert {table.source for _, table in tables(protocol) if table.source} <= known
    names = [(table, name) for _, table in tables(protocol) for name in table.assumed]
    assert names
    assert all(name in type(table).model_fields for table, name in names)


def test_a_number_that_loses_its_source_is_found() -> None:
    text = read_protocol_file("five-against-ten").text
    sourced = (
        'strength_mg_per_mL = 5.0\ninterval_weeks = 4\nsessions = 3\nsource = "Muhaidat2020"\n'
    )
    bare = text.replace(sourced, "".join(sourced.partition("sessions = 3\n")[:2]))
    assert bare != text
    found = unsourced(parse_protocol(bare).protocol)
    assert ("arms", 0, "treatment", "sessions") in found
    assert all(path[:3] == ("arms", 0, "treatment") for path in found)


def test_the_quadrant_trial_is_the_published_one() -> None:
    protocol = load_protocol_file("quadrant-strengths")
    assert (protocol.source, protocol.unit, protocol.people) == ("Rajan2020", "quadrant", 105)
    assert [arm.treatment.strength_mg_per_mL for arm in protocol.arms] == [10.0, 5.0, 2.5, 0.0]
    assert {session_weeks(arm.treatment) for arm in protocol.arms} == {(0.0, 4.0, 8.0)}
    assert end_week(protocol) == 12.0
    left = (1.0 - protocol.conduct.dropout_per_week) ** 12
    assert left == pytest.approx(75 / 105, abs=0.005)


def test_intervals_differ_but_not_how_long_people_are_injected() -> None:
    arms = load_protocol_file("interval-head-to-head").arms
    assert [arm.treatment.interval_weeks for arm in arms] == [2.0, 3.0, 4.0, 6.0]
    assert {arm.treatment.strength_mg_per_mL for arm in arms} == {5.0}
    lasts = [session_weeks(arm.treatment)[-1] for arm in arms]
    assert max(lasts) - min(lasts) <= 2.0


# --- files ---


def test_a_file_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(read_protocol_file("five-against-ten").text, encoding="utf-8")
    assert load_protocol_file(path) == load_protocol_file("five-against-ten")
    assert load_protocol_file(str(path)) == load_protocol_file("five-against-ten")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"people = ", b"a = 1" * LARGEST_BYTES])
def test_a_file_that_is_no_protocol_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(InputError) as raised:
        load_protocol_file(path)
    assert all("mine.toml" in problem.place for problem in raised.value.problems)
    assert all(problem.remedy for problem in raised.value.problems)


def test_a_folder_and_a_missing_file_are_named(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    for path, found in ((tmp_path / "folder.toml", "a folder"), (tmp_path / "no.toml", "nothing")):
        with pytest.raises(InputError) as raised:
            load_protocol_file(path)
        assert raised.value.problems[0].found == found


def test_a_slip_in_a_key_gets_advice() -> None:
    with pytest.raises(InputError, match="Did you mean 'five-against-ten'"):
        load_protocol_file("five-agianst-ten")
    for name in ("\0", "x" * 5000, ""):
        with pytest.raises(InputError):
            load_protocol_file(name)


def test_a_contradiction_is_refused_with_its_line(tmp_path: Path) -> None:
    text = read_protocol_file("five-against-ten").text.replace("sessions = 3", "sessions = 6")
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as raised:
        load_protocol_file(path)
    (problem,) = [p for p in raised.value.problems if "endpoints[0].week" in p.place]
    line = int(problem.place.split("mine.toml:")[1].split(":")[0])
    assert text.split("\n")[line - 1] == "week = 12"
    assert text.split("\n")[line - 2] == "threshold = 0.85"


# --- what stands in a file ---


def test_all_slips_are_told_at_once_each_with_its_line() -> None:
    text = """key = "Mine!"
title = "Mine"
question = "Which?"
source = "assumed"
design = "paralel"
unit = "patient"
people = 10.5
follow_up_weeks = 4

[[arms]]
key = "a"
name = "A"
[arms.treatment]
strength = 5
interval_weeks = "4 weeks"
sessions = 3
"""
    found = problems_of(text)
    for line, field in ((1, "key"), (5, "design"), (7, "people"), (14, "strength"),
                        (15, "interval_weeks"), (13, "strength_mg_per_mL")):  # fmt: skip
        assert any(problem.startswith(f"mine.toml:{line}: ") and field in problem
                   for problem in found), (line, field, found)  # fmt: skip
    assert any("Did you mean 'parallel'" in problem for problem in found)
    assert any("Did you mean 'strength_mg_per_mL'" in problem for problem in found)


def test_a_missing_source_is_refused() -> None:
    (problem,) = problems_of(MINIMAL.replace('source = "assumed"\n', ""))
    assert "source" in problem


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e300", "true", '"10"'])
def test_what_is_no_number_is_refused(number: str) -> None:
    (problem,) = problems_of(MINIMAL.replace("weeks = 4", f"weeks = {number}"))
    assert problem.startswith("mine.toml:9: follow_up_weeks")


def test_what_is_not_written_is_the_usual() -> None:
    protocol = parse_protocol(MINIMAL).protocol
    assert protocol.conduct.raters == 1
    assert 0.0 < protocol.conduct.rater_error < 0.2
    assert protocol.eligibility.setting == "localized"
    treatment = load_protocol_file("five-against-ten").arms[0].treatment
    assert (treatment.volume_mL, treatment.spacing_mm, treatment.depth_mm) == (0.1, 10.0, 3.0)


def _scalars(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Any]]:
    items = data.items() if isinstance(data, dict) else enumerate(data)
    return [
        leaf
        for key, value in items
        for leaf in (
            _scalars(value, (*path, key))
            if isinstance(value, dict | list)
            else [((*path, key), value)]
        )
    ]


@pytest.mark.parametrize("key", sorted(EXPECTED))
def test_lines_are_exact(key: str) -> None:
    file = read_protocol_file(key)
    rows = file.text.split("\n")
    for path, value in _scalars(tomllib.loads(file.text)):
        row = rows[file.lines[path] - 1]
        names = [part for part in path if isinstance(part, str)]
        assert names[-1] in row or str(value) in row
        assert json.dumps(value, ensure_ascii=False) in row or f"{value}" in row


def test_remarks_and_order_do_not_change_the_fingerprint() -> None:
    file = read_protocol_file("five-against-ten")
    again = parse_protocol("# a remark\n" + file.text).protocol
    assert fingerprint(again) == fingerprint(file.protocol)
    other = parse_protocol(file.text.replace("people = 46 ", "people = 47 ")).protocol
    assert fingerprint(other) != fingerprint(file.protocol)
    spelled = parse_protocol(file.text.replace("sessions = 3", "sessions = 3\nvolume_mL = 0.1"))
    assert fingerprint(spelled.protocol) == fingerprint(file.protocol)


def test_a_protocol_survives_json() -> None:
    for key in shipped():
        protocol = load_protocol_file(key)
        assert Protocol.model_validate_json(protocol.model_dump_json()) == protocol


def test_the_published_schema_is_the_one_of_the_code() -> None:
    published = (ROOT / "docs/schema/trial.schema.json").read_text(encoding="utf-8")
    assert published == protocol_schema_json(), (
        "write anagen.trials.protocol.protocol_schema_json() to docs/schema/trial.schema.json"
    )
    known = protocol_schema()["properties"]
    for key in shipped():
        assert set(tomllib.loads(read_protocol_file(key).text)) <= set(known)


# --- any text at all ---

_quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _read(text: str) -> None:
    """Read a text; it is a protocol, which can be judged, or an InputError."""
    try:
        file = parse_protocol(text)
    except InputError as raised:
        problems = raised.problems
    else:
        problems = ()
    if problems:
        assert all(problem.remedy and problem.expected for problem in problems)
        return
    lints = check_protocol(file.protocol, name=file.name, lines=file.lines)
    assert all(lint.line and lint.remedy for lint in lints)


@_quick
@given(text=st.text())
@example(text="[" * 2000)
@example(text="a = " + "[" * 5000)
@example(text=".".join("a" * 3000) + " = 1")
@example(text="people = 1" + "0" * 5000)
@example(text="people = 10000000000000000000000000000")
@example(text="x = 2020-13-41")
@example(text="\0")
def test_any_text_is_a_protocol_or_an_input_error(text: str) -> None:
    _read(text)


_TEXTS = [read_protocol_file(key).text for key in sorted(EXPECTED)]
_WORTH = st.sampled_from(
    ["-1", "0", "1e6", "-1e6", "1e-9", "0.5", "nan", "true", '""', '"none"', '"saline"', '"ta10"',
     "[]", "{}", "[{}]", "10000", "1979-05-27", "'relapse'", "'salt'", "'within'", "'quadrant'"]
)  # fmt: skip


@_quick
@given(
    text=st.sampled_from(_TEXTS), rows=st.lists(st.tuples(st.integers(0, 120), _WORTH), max_size=4)
)
def test_any_value_in_a_protocol_is_judged_or_an_input_error(
    text: str, rows: list[tuple[int, str]]
) -> None:
    lines = text.split("\n")
    for number, worth in rows:
        at = number % len(lines)
        if " = " in lines[at] and not lines[at].startswith(" "):
            lines[at] = f"{lines[at].split(' = ')[0]} = {worth}"
    _read("\n".join(lines))


@_quick
@given(text=st.sampled_from(_TEXTS), first=st.integers(0, 120), count=st.integers(0, 40))
def test_any_missing_part_is_judged_or_an_input_error(text: str, first: int, count: int) -> None:
    lines = text.split("\n")
    _read("\n".join(lines[:first] + lines[first + count :]))
