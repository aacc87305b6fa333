"""The page of a trial: every design has one, and it says what a reader must know."""

import re
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from anagen.errors import InputError
from anagen.report import html
from anagen.report.trial_page import render, write_trial_report
from anagen.trials.prices import Prices
from anagen.trials.protocol import Protocol
from anagen.trials.protocol_file import read_protocol_file, shipped
from anagen.trials.run_chunk import run_chunk
from anagen.trials.run_plan import Chunk
from anagen.trials.trial_summary import TABLES, TrialSummary, summarise_trial

PRICES = Prices(currency="EUR", per_session=60.0, per_mg=0.5, source="A list of prices")
# A forecast for each person takes seconds; its page is that of any other parallel design.
DESIGNS = [key for key in shipped() if "guided" not in key]


@lru_cache(maxsize=8)
def results(key: str) -> tuple[Protocol, xr.Dataset]:
    """Few people of a shipped design; where it is small, two replicates."""
    protocol = read_protocol_file(key).protocol
    if protocol.design == "within":
        protocol = protocol.model_copy(update={"people": 20})
    return protocol, run_chunk(protocol, count=40 if protocol.design == "within" else 60)


@lru_cache(maxsize=8)
def summary_of(key: str) -> TrialSummary:
    return summarise_trial(*results(key), prices=PRICES)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words and tables only: figures take seconds."""
    monkeypatch.setattr(html, "svg", lambda _: '<svg viewBox="0 0 1 1"></svg>')


class Outline(HTMLParser):
    """Headings, tables and links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.levels: list[int] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tables = self.captions = self.unscoped = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if re.fullmatch(r"h[1-6]", tag):
            self.levels.append(int(tag[1]))
        self.tables += tag == "table"
        self.captions += tag == "caption"
        self.unscoped += tag == "th" and "scope" not in given
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag == "a":
            self.links.append(str(given.get("href")))


@pytest.fixture(params=DESIGNS, scope="module")
def page(request: pytest.FixtureRequest) -> tuple[TrialSummary, str]:
    found = summary_of(request.param)
    return found, render(found)


def test_every_design_has_a_page_that_carries_everything(page: tuple[TrialSummary, str]) -> None:
    summary, text = page
    outline = Outline(text)
    assert outline.levels[0] == 1
    assert outline.levels.count(1) == 1
    steps = np.diff(outline.levels)
    assert steps.max() <= 1  # no heading is skipped
    assert outline.tables == outline.captions
    assert outline.unscoped == 0
    assert len(outline.ids) == len(set(outline.ids))
    assert {link[1:] for link in outline.links if link.startswith("#")} <= set(outline.ids)
    assert not re.search(r'(?:src|href)="https?:', text)  # nothing is fetched
    assert "nan" not in re.sub(r"<[^>]*>", " ", text).lower().split()
    for arm in summary.protocol.arms:
        assert arm.name in text
    assert summary.protocol.question in text
    assert str(summary.about["protocol_fingerprint"]) in text


def test_tables_of_a_summary_leave_in_every_form(page: tuple[TrialSummary, str]) -> None:
    summary, _ = page
    assert tuple(summary.tables) == TABLES
    made = summary.to_xarray()
    assert made.sizes["flow_row"] == len(summary.flow)
    assert made.attrs["seed"] == summary.about["seed"]
    assert not summary.dose_response["mg"].diff().dropna().lt(0).any()
    assert (summary.endpoints["low"] <= summary.endpoints["estimate"] + 1e-9).all()


@pytest.mark.usefixtures("undrawn")
def test_the_primary_result_is_that_of_the_table() -> None:
    summary = summary_of("five-against-ten")
    text = render(summary)
    ends = summary.endpoints[summary.endpoints["primary"]]
    for row in ends.to_dict("records"):
        assert f"{row['estimate']:.1f} %" in text
    own = summary.flow
    there = own[(own["arm"] == "ta5") & (own["step"] == "analysed")]["count"].iloc[0]
    assert ends[ends["arm"] == "ta5"]["n"].iloc[0] == there


@pytest.mark.usefixtures("undrawn")
def test_replicates_are_told_apart_from_one_trial() -> None:
    many = summary_of("quadrant-strengths")
    assert many.about["replicates"] == 2
    assert "Across replicates" in render(many)
    one = summary_of("interval-head-to-head")
    assert one.about["replicates"] == 1
    assert "Across replicates" not in render(one)


def test_another_arm_may_be_the_one_to_compare_with() -> None:
    protocol, dataset = results("five-against-ten")
    found = summarise_trial(protocol, dataset, against="ta10").comparisons
    usual = summary_of("five-against-ten").comparisons
    assert set(found["against"]) == {"ta10"}
    assert found["difference"].iloc[0] == pytest.approx(-usual["difference"].iloc[0])
    with pytest.raises(InputError, match="one of the arms ta5, ta10"):
        summarise_trial(protocol, dataset, against="ta50")


@pytest.mark.usefixtures("undrawn")
def test_missing_people_are_told_first() -> None:
    protocol, dataset = results("five-against-ten")
    part = dataset.isel(unit=np.arange(40))
    text = render(summarise_trial(protocol, part, missing=(Chunk(1, 40, 20),)))
    assert "20 of 60 people have no results" in text
    assert text.index("have no results") < text.index('id="result"')
    assert "have no results" not in render(summary_of("five-against-ten"))


def test_without_anybody_there_is_no_report() -> None:
    protocol, dataset = results("five-against-ten")
    with pytest.raises(InputError, match="none at all"):
        summarise_trial(protocol, dataset.isel(unit=np.arange(0)))


def test_a_trial_in_which_hardly_anything_can_be_told_has_a_page_too() -> None:
    protocol, dataset = results("interval-head-to-head")
    first = dataset.isel(unit=np.arange(3)).copy()
    first["failed"] = (("unit",), np.array([True, False, False]))
    text = render(summarise_trial(protocol, first))
    assert "Not followed by the model" in text


@pytest.mark.usefixtures("undrawn")
def test_words_of_a_protocol_are_not_taken_for_markup() -> None:
    protocol, dataset = results("five-against-ten")
    arms = tuple(arm.model_copy(update={"name": "<b>&" + arm.key}) for arm in protocol.arms)
    sly = protocol.model_copy(update={"title": "<script>x</script>", "arms": arms})
    text = render(summarise_trial(sly, dataset))
    assert "<script>" not in text
    assert "<b>" not in text


def test_the_same_results_give_the_same_page(tmp_path: Path) -> None:
    summary = summary_of("five-against-ten")
    file = write_trial_report(summary, tmp_path / "one.html")
    assert file.read_text(encoding="utf-8") == render(summary)
    assert "A list of prices" in file.read_text(encoding="utf-8")


def test_what_spills_between_quadrants_is_told() -> None:
    table = summary_of("quadrant-strengths").spill_over
    saline = table[(table["arm"] == "saline") & (table["measure"].str.startswith("Regrowth"))]
    assert saline["bias"].iloc[0] >= 0.0
    assert set(table[table["against"] != ""]["against"]) == {"saline"}
    assert summary_of("five-against-ten").spill_over.empty
