"""Files of virtual people: the same back, byte for byte, whole or not at all."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from anagen._commands.people import PeopleRequest, make_people, print_people
from anagen._version import __version__
from anagen.errors import InputError
from anagen.population.covariates import COVARIATES, Covariates, draw_covariates
from anagen.population.patch_sizes import Patches, draw_patches
from anagen.population.people import people_about, read_people, write_people
from anagen.population.settings import Setting


def traits(covariates: Covariates, seed: int, first: int) -> Mapping[str, np.ndarray]:
    person = first + np.arange(len(covariates))
    return {"sensitivity": person + 0.5 * seed, "drive": covariates.extent}


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    write_people(path, 700, 3, Setting("extensive"), traits, chunk=128)
    covariates, patches, found = read_people(path)
    drawn = draw_covariates(700, 3, Setting("extensive"))
    laid = draw_patches(drawn, 3)
    for name in COVARIATES:
        one, other = getattr(covariates, name), getattr(drawn, name)
        assert one.dtype == other.dtype
        assert (one == other).all(), name
    for name in Patches.__dataclass_fields__:
        one, other = getattr(patches, name), getattr(laid, name)
        assert one.dtype == other.dtype
        assert (one == other).all(), name
    assert (found["sensitivity"] == np.arange(700) + 1.5).all()
    assert (found["drive"] == drawn.extent).all()


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_people(tmp_path / f"{name}.parquet", 300, 9, chunk=100)
    write_people(tmp_path / "other.parquet", 300, 10, chunk=100)
    one, two, other = (
        (tmp_path / f"{name}.parquet").read_bytes() for name in ("one", "two", "other")
    )
    assert one == two
    assert one != other


def test_row_groups_are_of_a_fixed_size(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    write_people(path, 250, 1, chunk=100)
    metadata = pq.read_metadata(path)
    assert [metadata.row_group(index).num_rows for index in range(3)] == [100, 100, 50]


def test_the_file_says_who_made_it_and_in_which_units(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    setting = Setting("localized", patches=(1, 2))
    write_people(path, 5, 42, setting, traits, trait_units={"drive": "1/day"}, posterior="2026.11")
    about = people_about(path)
    assert about["anagen_version"] == __version__
    assert (about["seed"], about["people"], about["posterior"]) == (42, 5, "2026.11")
    assert about["parameter_set"]
    assert about["setting"]["name"] == "localized"
    assert about["setting"]["patches"] == [1, 2]
    schema = pq.read_schema(path)
    units = {field.name: field.metadata[b"unit"].decode() for field in schema if field.metadata}
    assert units["age_years"] == "year"
    assert units["weight_kg"] == "kg"
    assert units["trait_drive"] == "1/day"
    assert units["trait_sensitivity"] == "1"
    inner = schema.field("patch_list").type.value_type
    assert inner.field("diameter_mm").metadata[b"unit"] == b"mm"
    assert {inner.field(i).name for i in range(inner.num_fields)} == {
        "diameter_mm", "region", "view", "x", "y", "age_days"
    }  # fmt: skip


def test_words_stand_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    write_people(path, 200, 1)
    rows = pq.read_table(path).to_pylist()
    assert {row["sex"] for row in rows} == {"female", "male"}
    assert {row["ancestry"] for row in rows} == {"african", "european", "asian"}
    assert {patch["view"] for row in rows for patch in row["patch_list"]} <= {
        "top", "back", "left", "right"
    }  # fmt: skip


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    write_people(path, 20, 1)
    before = path.read_bytes()

    def breaks(covariates: Covariates, seed: int, first: int) -> Mapping[str, np.ndarray]:
        if first:
            raise RuntimeError("half way")
        return {"drive": covariates.extent}

    with pytest.raises(RuntimeError, match="half way"):
        write_people(path, 40, 1, traits=breaks, chunk=10)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (lambda n: np.full(n, np.nan), "not finite"),
        (lambda n: np.zeros(n + 1), "shape"),
        (lambda n: np.zeros((n, 2)), "shape"),
    ],
)
def test_traits_that_are_not_one_number_a_person_are_refused(
    tmp_path: Path, values: Any, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        write_people(
            tmp_path / "p.parquet", 10, 1, traits=lambda c, s, f: {"drive": values(len(c))}
        )
    assert not list(tmp_path.iterdir())


def test_traits_that_change_their_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="same names"):
        write_people(tmp_path / "p.parquet", 10, 1, chunk=5,
                     traits=lambda c, s, f: {f"drive{f}": c.extent})  # fmt: skip
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "n", "options", "words"),
    [
        ("people.csv", 5, {}, "ends in .parquet"),
        ("nowhere/people.parquet", 5, {}, "no such folder"),
        ("people.parquet", 0, {}, "whole number"),
        ("people.parquet", 10**9, {}, "whole number"),
        ("people.parquet", 5, {"chunk": 0}, "chunk"),
        ("people.parquet", 5, {"setting": Setting("zoo")}, "setting.name"),
    ],
)
def test_bad_arguments_are_refused(
    tmp_path: Path, name: str, n: int, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        write_people(tmp_path / name, n, 1, **options)
    assert not list(tmp_path.iterdir())


def test_a_folder_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "people.parquet").mkdir()
    with pytest.raises(InputError, match="plain file"):
        write_people(tmp_path / "people.parquet", 5, 1)


def test_files_that_are_no_people_are_refused(tmp_path: Path) -> None:
    missing, text, other = (tmp_path / f"{name}.parquet" for name in ("gone", "text", "other"))
    text.write_text("age,sex\n", encoding="utf-8")
    pq.write_table(pa.table({"age_years": [1.0]}), other)
    for path, words in ((missing, "Parquet"), (text, "Parquet"), (other, "no ancestry")):
        with pytest.raises(InputError, match=words):
            read_people(path)
        with pytest.raises(InputError, match=words):
            people_about(path)


def test_the_command_writes_and_summarises(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = PeopleRequest(400, seed=2, setting="localized", output=tmp_path / "p.parquet")
    summary = make_people(request)
    json.dumps(summary, allow_nan=False)
    drawn = draw_covariates(400, 2, Setting("localized"))
    quartiles = summary["quartiles"]["age, years"]
    assert quartiles == pytest.approx(np.quantile(drawn.age_years, (0.25, 0.5, 0.75)))
    shares = summary["shares_percent"]
    assert shares["one patch"] + shares["two patches"] + shares["three or more"] == pytest.approx(
        100.0
    )
    assert len(read_people(request.output)[0]) == 400
    print_people(summary)
    shown = capsys.readouterr().out
    assert "400 people, setting localized, seed 2" in shown
    assert "lower quartile" in shown


@pytest.mark.parametrize(
    "request_", [PeopleRequest(0), PeopleRequest(5, setting="zoo"), PeopleRequest(5, seed=-1),
                 PeopleRequest(5, output=Path("people.csv")),
                 PeopleRequest(5, output=Path("no/such/folder/people.parquet"))]
)  # fmt: skip
def test_the_command_refuses_what_cannot_be_meant(request_: PeopleRequest) -> None:
    with pytest.raises(InputError):
        make_people(request_)
