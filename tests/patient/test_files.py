import json
import os
import stat
from datetime import date
from pathlib import Path

import pytest

from anagen._files import write_whole
from anagen.errors import InputError
from anagen.patient import Patient, load_patient, read_patient, save_patient
from anagen.patient.documents import LARGEST_BYTES, MOST_VALUES
from anagen.patient.files import check_document

TODAY = date(2026, 1, 1)


def problems(tmp_path, content, name="p.json"):
    """Problems of a file, the folder cut from their places."""
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        load_patient(file, today=TODAY)
    for problem in caught.value.problems:
        assert all((problem.place, problem.expected, problem.found, problem.remedy))
    return [
        (problem.place.removeprefix(f"{tmp_path}/"), problem) for problem in caught.value.problems
    ]


def only(tmp_path, content, name="p.json"):
    found = problems(tmp_path, content, name)
    assert len(found) == 1, found
    return found[0]


def test_the_least_record(tmp_path):
    (tmp_path / "p.json").write_text('{"id": "P1"}')
    (tmp_path / "p.toml").write_text('id = "P1"')
    assert load_patient(tmp_path / "p.json") == load_patient(str(tmp_path / "p.toml"))


@pytest.mark.parametrize(
    ("content", "name", "place", "found"),
    [
        (b"", "p.json", "p.json", "an empty file"),
        (b"  \n\t\n", "p.toml", "p.toml", "an empty file"),
        (b'{"id": "P\xff"}', "p.json", "p.json:1", "the byte 0xff"),
        (b'id = "a"\nnote = "\xe4"', "p.toml", "p.toml:2", "the byte 0xe4"),
        ('{"id": "P1"}'.encode("utf-16"), "p.json", "p.json:1", "the byte 0xff"),
        (b'{"id": "P1",\n "visits": [{"date"', "p.json", "p.json:2: column 20", "cut off"),
        (b'{"id": "P1",\n "sex" "female"}', "p.json", "p.json:2: column 8", "female"),
        (b'id = "P1"\nsex = female\n', "p.toml", "p.toml:2", "sex = female"),
        (b'id = "P1"\nsex = "fem', "p.toml", "p.toml:2", ""),
        (b'id = "P1"\nid = "P2"\n', "p.toml", "p.toml:2", "id"),
        (b"[" * 50_000, "p.json", "p.json", "hundreds"),
        (b"a = " + b"[" * 50_000, "p.toml", "p.toml", "hundreds"),
        (b'{"id": ' + b"1" * 5000 + b"}", "p.json", "p.json", "thousands of digits"),
        (b"a = " + b"1" * 5000, "p.toml", "p.toml", ""),
        (b"[1, 2]", "p.json", "p.json:1", "[1, 2]"),
        (b"null", "p.json", "p.json:1", "None"),
        (b'{"id": "P1"}', "p.yaml", "p.yaml", "'.yaml'"),
        (b'{"id": "P1"}', "patient", "patient", "'"),
        (b'{"id": "P1",\n "note": "\\ud800"}', "p.json", "p.json:2: note", "ud800"),
        (b'{"id": "P1", "\\udfff": 1}', "p.json", "p.json:1: ['\\udfff']", "udfff"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, content, name, place, found):
    where, problem = only(tmp_path, content, name)
    assert where == place
    assert found in problem.found


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"nobody\.json: expected a file, found nothing"):
        load_patient(tmp_path / "nobody.json")


def test_a_folder_and_a_device(tmp_path):
    folder = tmp_path / "folder.json"
    folder.mkdir()
    with pytest.raises(InputError, match="found a folder"):
        load_patient(folder)
    with pytest.raises(InputError, match="found a device"):
        load_patient(os.devnull)


def test_names_no_system_takes(tmp_path):
    for name in ("a\0b.json", f"{tmp_path}/{'x' * 5000}.json"):
        with pytest.raises(InputError):
            load_patient(name)
    with pytest.raises(InputError):
        load_patient(tmp_path / "a.json" / "b.json")


def test_a_huge_file_is_not_read(tmp_path):
    file = tmp_path / "p.json"
    with file.open("wb") as handle:
        handle.truncate(LARGEST_BYTES + 1)
    with pytest.raises(InputError, match="at most 20 MB"):
        load_patient(file)


def test_a_byte_order_mark_is_no_problem(tmp_path):
    (tmp_path / "p.json").write_bytes(b'\xef\xbb\xbf{"id": "P1"}')
    assert load_patient(tmp_path / "p.json").id == "P1"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none(tmp_path, number):
    where, problem = only(tmp_path, f'{{"id": "P1",\n"weight_kg":\n{number}}}')
    assert where == "p.json:2: weight_kg"
    assert problem.expected == "a finite number"


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_numbers_that_are_none_in_toml(tmp_path, number):
    where, problem = only(tmp_path, f'id = "P1"\nweight_kg = {number}', "p.toml")
    assert (where, problem.expected) == ("p.toml:2: weight_kg", "a finite number")


def test_fields_given_twice(tmp_path):
    visits = '[{"date": "2025-01-01",\n"date":\n"2025-02-01"}]'
    text = '{"id": "P1",\n"sex": "male",\n"visits": %s,\n"sex": "male"}'.replace("%s", visits)
    places = [where for where, _ in problems(tmp_path, text)]
    assert places == ["p.json:4: visits[0].date", "p.json:6: sex"]


WRONG = """{
  "id": "P1",
  "sex": "femal",
  "weigth_kg": 70,
  "weight_kg": "70",
  "pregnant": "no",
  "skin_type": 2.5,
  "born": "1990-02-30",
  "visits": [
    {"patches": [
      {"id": "a", "atrophy_grade": 9,
       "shape": {"outlines": [{"view": "front", "points": [[1, 2], [3]]}]}}
    ]}
  ],
  "sessions": {}
}"""


def test_all_problems_are_listed_each_at_its_line(tmp_path):
    listed = problems(tmp_path, WRONG)
    found = dict(listed)
    assert [where for where, _ in listed] == [
        "p.json:3: sex",
        "p.json:4: weigth_kg",
        "p.json:5: weight_kg",
        "p.json:6: pregnant",
        "p.json:7: skin_type",
        "p.json:8: born",
        "p.json:10: visits[0].date",
        "p.json:11: visits[0].patches[0].atrophy_grade",
        "p.json:12: visits[0].patches[0].shape.outlines[0].view",
        "p.json:12: visits[0].patches[0].shape.outlines[0].points[1]",
        "p.json:15: sessions",
    ]
    assert found["p.json:3: sex"].remedy == "Did you mean 'female'?"
    assert found["p.json:4: weigth_kg"].remedy == "Did you mean 'weight_kg'?"
    assert found["p.json:5: weight_kg"].found == '"70"'
    assert found["p.json:6: pregnant"].expected == "true or false"
    assert found["p.json:8: born"].expected == "a date such as 2025-03-31"
    assert found["p.json:10: visits[0].date"].remedy == "Add it."


def test_the_same_in_toml(tmp_path):
    text = """id = "P1"
weigth_kg = 70
[[visits]]
date = 2025-01-01T10:00:00
[[visits.patches]]
id = "a"
first_seen = 2025-13-01
"""
    where, _ = only(tmp_path, text, "p.toml")
    assert where == "p.toml:7"
    found = [where for where, _ in problems(tmp_path, text.replace("13", "12"), "p.toml")]
    assert found == ["p.toml:2: weigth_kg", "p.toml:4: visits[0].date"]


def test_an_empty_identifier_is_a_problem(tmp_path):
    where, problem = only(tmp_path, '{"id": ""}')
    assert where == "p.json:1: id"
    assert "letters, digits" in problem.expected


def test_thousands_of_wrong_things_give_a_readable_answer(tmp_path):
    found = problems(tmp_path, json.dumps({"id": "P1", "conditions": [0] * 5000}))
    assert len(found) == 501
    assert found[-1][1].found == "more problems than are listed"


def test_a_document_far_too_long_is_not_validated(tmp_path):
    where, problem = only(tmp_path, json.dumps({"id": "P1", "conditions": [0] * MOST_VALUES}))
    assert (where, problem.found) == ("p.json:1", str(MOST_VALUES + 3))


def test_warnings_come_with_the_record(tmp_path):
    (tmp_path / "p.json").write_text('{"id": "P1",\n "age_years": 9,\n "weight_kg": 250}')
    file = read_patient(tmp_path / "p.json")
    assert file.patient.weight_kg == 250
    (warning,) = file.warnings
    assert warning.place.endswith("p.json:3: weight_kg")
    assert warning.remedy.endswith("It is kept.")


def test_a_document_from_elsewhere_is_checked_alike():
    patient, issues = check_document({"id": "P1", "weight_kg": float("nan")}, today=TODAY)
    assert patient is None
    assert [issue.path for issue in issues] == [("weight_kg",)]
    assert check_document({"id": "P1"})[0] == Patient(id="P1")


def test_saving_replaces_and_leaves_nothing_else(tmp_path):
    file = tmp_path / "p.json"
    file.write_text("old")
    save_patient(Patient(id="P1"), file)
    assert load_patient(file).id == "P1"
    assert os.listdir(tmp_path) == ["p.json"]


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / "p.json"
    save_patient(Patient(id="P1"), file)
    before = file.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(InputError, match="no space left"):
        save_patient(Patient(id="P2"), file)
    assert file.read_bytes() == before
    assert os.listdir(tmp_path) == ["p.json"]


def test_a_saved_file_has_ordinary_permissions(tmp_path):
    save_patient(Patient(id="P1"), tmp_path / "p.json")
    (tmp_path / "plain").write_text("x")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("p.json", "plain")]
    assert modes[0] == modes[1]
    (tmp_path / "p.json").chmod(0o600)
    save_patient(Patient(id="P2"), tmp_path / "p.json")
    assert stat.S_IMODE((tmp_path / "p.json").stat().st_mode) == 0o600


def test_places_that_cannot_be_written(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        save_patient(Patient(id="P1"), tmp_path / "nowhere" / "p.json")
    with pytest.raises(InputError, match=r"ends in \.json"):
        save_patient(Patient(id="P1"), tmp_path / "p.toml")
    with pytest.raises(InputError):
        write_whole(Path("a\0b"), "text")
