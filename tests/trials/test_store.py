"""What is kept of a run: exact, whole or not at all, never mixed, damage seen."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from trials.run_cases import by_hand, content, kept, small, small_plan

from anagen.errors import InputError
from anagen.trials import store
from anagen.trials.protocol import Treatment
from anagen.trials.run_chunk import run_chunk
from anagen.trials.run_plan import RunPlan, chunks_of, plan_run
from anagen.trials.store import create_store, find_store, forget, look, open_results, write_chunk

PLAN = small_plan()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "whole.zarr"
    by_hand(PLAN, path)
    return path


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "copy.zarr"))


def problems(plan: RunPlan, path: Path) -> dict[str, str]:
    """Problems of going on with a store, which must stay as it was: remedies by place."""
    before = content(path) if path.is_dir() else {}
    with pytest.raises(InputError) as raised:
        find_store(plan, path)
    assert (content(path) if path.is_dir() else {}) == before
    return {one.place.removeprefix(f"{path}: "): one.remedy for one in raised.value.problems}


def test_what_is_read_is_what_was_computed(whole: Path) -> None:
    results = open_results(whole)
    computed = run_chunk(PLAN.protocol, 0, 0, PLAN.people, PLAN.seed)
    xr.testing.assert_identical(computed, results.dataset.load())
    assert results.protocol == PLAN.protocol
    assert (results.replicates, results.seed, results.missing, results.damaged) == (2, 3, (), ())
    assert results.plan == PLAN


def test_any_reader_of_zarr_sees_the_same(whole: Path) -> None:
    plain = xr.open_zarr(whole, consolidated=False, chunks=None)
    np.testing.assert_array_equal(plain.regrowth, open_results(whole).dataset.regrowth)
    assert plain.attrs["anagen_trial"]["protocol"]["key"] == PLAN.protocol.key


def test_what_is_missing_is_told_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "part.zarr"
    by_hand(PLAN, path, {0, 3})
    results = open_results(path)
    assert [chunk.number for chunk in results.missing] == [1, 2, 4]
    found = results.dataset
    place = found.replicate.values * 12 + found.person.values
    assert place.tolist() == [0, 1, 2, 3, 4, 15, 16, 17, 18, 19]
    whole = run_chunk(PLAN.protocol, 0, 0, 20, PLAN.seed)
    np.testing.assert_array_equal(found.regrowth, whole.regrowth.values[np.r_[0:5, 15:20]])
    # One who reads the arrays without us must not take what is missing for a result.
    plain = xr.open_zarr(path, consolidated=False, chunks=None)
    assert np.isnan(plain.regrowth[5:15]).all()
    assert plain.failed[5:15].all()
    assert (plain.arm[5:15] == -1).all()


def test_a_store_without_any_chunk_has_no_units(tmp_path: Path) -> None:
    path = tmp_path / "none.zarr"
    by_hand(PLAN, path, set())
    results = open_results(path)
    assert results.dataset.sizes["unit"] == 0
    assert len(results.missing) == 5


@pytest.mark.parametrize("design", ["quadrant", "salt"])
def test_designs_with_other_units_and_numbers_are_kept_too(design: str, tmp_path: Path) -> None:
    from anagen.trials.protocol import Endpoint

    if design == "quadrant":
        protocol = small(3, design="within", unit="quadrant", stratify=())
    else:
        read = Endpoint(key="main", measure="salt", week=8, primary=True)
        protocol = small(3, endpoints=(read,))
    plan = plan_run(protocol, chunk_people=2)
    by_hand(plan, tmp_path / "store.zarr")
    results = open_results(tmp_path / "store.zarr")
    computed = run_chunk(protocol, 0, 0, plan.people)
    xr.testing.assert_identical(computed, results.dataset.load())
    assert results.missing == ()


def test_half_a_chunk_does_not_count(copy: Path) -> None:
    (copy / "chunk_digest" / "c" / "2" / "0").unlink()
    results = open_results(copy)
    assert [chunk.number for chunk in results.missing] == [2]
    assert not results.damaged


@pytest.mark.parametrize("harm", ["changed", "cut", "gone", "swapped", "mark"])
def test_damage_is_seen_and_mended(harm: str, copy: Path, whole: Path) -> None:
    file = copy / "regrowth" / "c" / "1" / "0"
    data = bytearray(file.read_bytes())
    if harm == "changed":
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    elif harm == "cut":
        file.write_bytes(data[:-3])
    elif harm == "gone":
        file.unlink()
    elif harm == "swapped":
        file.write_bytes((copy / "regrowth" / "c" / "2" / "0").read_bytes())
    else:
        (copy / "chunk_digest" / "c" / "1" / "0").write_bytes(b"\0")
    results = open_results(copy)
    assert [chunk.number for chunk in results.damaged] == [1]
    assert results.missing == results.damaged
    assert results.dataset.sizes["unit"] == 19
    forget(copy, results.damaged)
    write_chunk(PLAN, copy, chunks_of(PLAN)[1], run_chunk(PLAN.protocol, 0, 5, 5, PLAN.seed))
    assert content(copy) == content(whole)


def test_a_chunk_of_another_run_does_not_count(copy: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.zarr"
    by_hand(small_plan(seed=4), other, {0})
    for file in other.rglob("c/0/*"):
        if file.is_file():
            shutil.copy(file, copy / file.relative_to(other))
    for file in other.glob("*/c/0"):
        if file.is_file():
            shutil.copy(file, copy / file.relative_to(other))
    assert [chunk.number for chunk in open_results(copy).damaged] == [0]


def test_writing_twice_changes_nothing_and_wrong_chunks_are_refused(
    copy: Path, whole: Path
) -> None:
    chunk = chunks_of(PLAN)[0]
    write_chunk(PLAN, copy, chunk, run_chunk(PLAN.protocol, 0, 5, 5, PLAN.seed))
    assert content(copy) == content(whole)
    forget(copy, [chunk])
    with pytest.raises(ValueError, match="4 units instead of 5"):
        write_chunk(PLAN, copy, chunk, run_chunk(PLAN.protocol, 0, 0, 4, PLAN.seed))
    assert 0 not in kept(copy)


def test_a_disk_that_fills_leaves_no_chunk(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    chunk = chunks_of(PLAN)[0]
    found = run_chunk(PLAN.protocol, 0, 0, 5, PLAN.seed)
    forget(copy, [chunk])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, hard))
    try:
        with pytest.raises(OSError):  # noqa: PT011 - its words are those of the system
            write_chunk(PLAN, copy, chunk, found)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert look(PLAN, copy).done == {1, 2, 3, 4}
    assert not list(copy.rglob("*.partial"))


def test_results_of_another_run_are_refused_with_every_difference(whole: Path) -> None:
    assert find_store(PLAN, whole)
    assert problems(small_plan(seed=9), whole) == {
        "seed": "Add --seed 3 to go on with it, or name another output with -o."
    }
    several = problems(small_plan(replicates=3, seed=9, people=7), whole)
    assert set(several) == {"protocol.people", "replicates", "seed"}
    assert "--people 6" in several["protocol.people"]
    assert "--replicates 2" in several["replicates"]
    assert set(problems(small_plan(chunk_people=6), whole)) == {"chunk people"}
    arms = list(PLAN.protocol.arms)
    weaker = arms[0].model_copy(
        update={"treatment": Treatment(strength_mg_per_mL=2.5, interval_weeks=4, sessions=2)}
    )
    other = PLAN.protocol.model_copy(update={"arms": (weaker, arms[1])})
    assert set(problems(replace(PLAN, protocol=other), whole)) == {
        "protocol.arms[0].treatment.strength_mg_per_mL"
    }


@pytest.mark.parametrize("name", ["anagen_version", "parameter_set", "posterior"])
def test_results_of_another_version_are_refused(name: str, whole: Path) -> None:
    found = problems(replace(PLAN, **{name: "1999.1"}), whole)
    assert set(found) == {name.replace("_", " ")}
    assert "Go on with" in found[name.replace("_", " ")]


def test_what_is_no_store_is_refused_and_untouched(tmp_path: Path) -> None:
    folder, file = tmp_path / "folder", tmp_path / "file"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    file.write_text("x")
    foreign = tmp_path / "foreign.zarr"
    xr.Dataset({"a": ("x", [1])}).to_zarr(foreign, zarr_format=3, consolidated=False)
    for path in (folder, file, foreign):
        assert "Name another place." in problems(PLAN, path).values()
        with pytest.raises(InputError):
            open_results(path)
    assert file.read_text() == "x"
    with pytest.raises(InputError, match="nothing"):
        open_results(tmp_path / "nowhere")
    with pytest.raises(InputError, match="mkdir"):
        find_store(PLAN, tmp_path / "no" / "folder.zarr")


@pytest.mark.parametrize("harm", ["protocol", "format", "json", "seed"])
def test_a_store_whose_description_was_changed_is_refused(harm: str, copy: Path) -> None:
    file = copy / "zarr.json"
    root = json.loads(file.read_text())
    about = root["attributes"]["anagen_trial"]
    if harm == "protocol":
        about["protocol"]["people"] = 600
    elif harm == "format":
        about["format"] = 99
    elif harm == "seed":
        about["seed"] = None
    file.write_text("{" if harm == "json" else json.dumps(root))
    with pytest.raises(InputError):
        open_results(copy)
    with pytest.raises(InputError):
        find_store(PLAN, copy)


def test_a_store_comes_into_being_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new.zarr"
    pattern = run_chunk(PLAN.protocol, 0, 0, 1, PLAN.seed)
    path.mkdir()  # an empty folder is as good as none

    def stop(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(store.os, "replace", stop)
        with pytest.raises(InputError, match="No space left"):
            create_store(PLAN, path, pattern)
    assert [one.name for one in tmp_path.iterdir()] == ["new.zarr"]
    assert not content(path)
    assert not find_store(PLAN, path)
    create_store(PLAN, path, pattern)
    create_store(PLAN, path, pattern)  # as two runs that begin at once would
    assert find_store(PLAN, path)
    with pytest.raises(InputError):
        create_store(small_plan(seed=9), path, pattern)
