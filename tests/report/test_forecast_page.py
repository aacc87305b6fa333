"""The pages of a forecast: numbers with intervals, flags, plain words, and none when withheld."""

import re
from collections.abc import Mapping
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr

from anagen.errors import InputError
from anagen.patient import PatchSeen, Patient, Visit
from anagen.report import forecast_charts, forecast_figures, forecast_words
from anagen.report.forecast_page import write_forecast_report
from anagen.report.forecast_scalp import sights
from anagen.report.plan_picture import Drawing
from anagen.scalp import PatchShape, circle_outline
from anagen.treatment import Injection, Plan, Session

MADE = run_path(str(Path(__file__).parent / "forecast_made.py"))
make_dataset, make_flag, make_forecast = (
    MADE[name] for name in ("make_dataset", "make_flag", "make_forecast")
)
PLAN = "scalp-standard-5"
ORIGIN = date(2026, 1, 5)
READING_GRADE = 7.0


@pytest.fixture(scope="module")
def patient() -> Patient:
    ring = PatchShape(outlines=(circle_outline("top", 60.0, 110.0, 30.0),))
    visit = Visit(date=ORIGIN, patches=(PatchSeen(id="A", shape=ring),))
    return Patient(id="T-001", age_years=34.0, visits=(visit,))


@pytest.fixture(scope="module")
def plan() -> Plan:
    site = Injection(
        number=1, location={"view": "top", "x": 60.0, "y": 110.0}, patch="A",
        product="triamcinolone-acetonide-10", strength_mg_per_mL=5.0, volume_mL=0.1, depth_mm=3.0,
        needle_gauge=30,
    )  # fmt: skip
    days = (date(2026, 1, 5), date(2026, 2, 2))
    return Plan(
        protocol=PLAN,
        patient="T-001",
        sessions=tuple(Session(date=day, injections=(site,)) for day in days),
    )


@pytest.fixture(scope="module")
def pictures() -> Mapping[str, xr.Dataset]:
    """Courses on a coarse scalp, made up by formulae: no biology is tested here."""
    return {name: make_course(gain) for name, gain in
            {"likely": 0.6, "lucky": 1.0, "unlucky": 0.0}.items()}  # fmt: skip


def make_course(gain: float, weeks: int = 24) -> xr.Dataset:
    from anagen.scalp import build_scalp, patch_cells

    scalp = build_scalp(cell_mm=6.0)
    ring = PatchShape(outlines=(circle_outline("top", 60.0, 110.0, 30.0),))
    share = np.asarray(patch_cells(scalp, ring), dtype=float)
    time = np.arange(0, 7 * weeks + 1, 7)
    cover = 1.0 - (1.0 - gain * np.clip(time / 84.0, 0.0, 1.0))[:, None] * share
    about = {"start_date": ORIGIN.isoformat(), "circumference_mm": scalp.circumference_mm,
             "cell_mm": scalp.cell_mm, "quantile": 0.1 + 0.8 * gain}  # fmt: skip
    fields = {
        "cover": (("time", "cell"), cover),
        "hair_density": (("time", "cell"), cover * scalp.density_per_cm2),
    }
    return xr.Dataset(fields, {"time": time}, about)


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anagen.report.scalp_picture.HEAD_PIXELS", 60)
    monkeypatch.setattr("anagen.report.scalp_picture.CLOSE_PIXELS", 60)


def write(folder: Path, made: Any, patient: Patient, **more: Any) -> str:
    path = write_forecast_report(made, patient, folder / "forecast.html", **more)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(
    tmp_path_factory: pytest.TempPathFactory,
    patient: Patient,
    plan: Plan,
    pictures: Mapping[str, xr.Dataset],
) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("anagen.report.scalp_picture.HEAD_PIXELS", 60)
        patch.setattr("anagen.report.scalp_picture.CLOSE_PIXELS", 60)
        folder = tmp_path_factory.mktemp("forecast")
        made = make_forecast([make_flag()])
        return write(folder, made, patient, plans={PLAN: plan}, pictures=pictures)


class Words(HTMLParser):
    """Readable text of one article; what only a screen reader or a drawing says is left out."""

    _prose = ("p", "li")
    _silent = ("svg", "style")

    def __init__(self, article: str) -> None:
        super().__init__()
        self.article, self.inside, self.silent, self.telling = article, False, 0, 0
        self.text = self.prose = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "article":
            self.inside = dict(attrs).get("id") == self.article
        self.silent += tag in self._silent
        self.telling += tag in self._prose

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "article"
        self.silent -= tag in self._silent
        if tag in self._prose:
            self.telling -= 1
            self.prose += "\n"

    def handle_data(self, data: str) -> None:
        if self.inside and not self.silent:
            self.text += data
            if self.telling:
                self.prose += " ".join(data.split()) + " "


def read(page: str, article: str) -> Words:
    parser = Words(article)
    parser.feed(page)
    return parser


def text_of(page: str, article: str) -> str:
    return read(page, article).text


def syllables(word: str) -> int:
    """Groups of vowels, a silent e at the end left out; at least one, and two for a number."""
    if word[0].isdigit():
        return 2
    bare = re.sub(r"(?<=[^aeiouyl])e[sd]?$", "", word.lower())
    return max(1, len(re.findall(r"[aeiouy]+", bare)))


def reading_grade(prose: str) -> float:
    """Flesch-Kincaid grade (1975): 0.39 words a sentence + 11.8 syllables a word - 15.59."""
    sentences = [part for part in re.split(r"[.!?]\s|\n", prose) if len(part.split()) > 2]
    words = re.findall(r"\d+|[A-Za-z]+(?:['’][a-z]+)?", " ".join(sentences))
    count = sum(map(syllables, words))
    return 0.39 * len(words) / len(sentences) + 11.8 * count / len(words) - 15.59


# --- the figures ---


def test_a_figure_carries_the_interval_of_the_dataset() -> None:
    data = make_dataset()
    found = forecast_figures.spread(data, "patch_cover", plan=PLAN, week=12, patch="B", level=80)
    along = data["patch_cover"].sel(plan=PLAN, week=12, patch="B")
    assert found is not None
    assert (found.low, found.middle, found.high) == pytest.approx(
        [float(along.sel(quantile=q)) for q in (0.1, 0.5, 0.9)]
    )
    assert forecast_figures.spread(data, "no_such", plan=PLAN) is None
    assert forecast_figures.spread(data, "pain", plan="untreated") is None


@pytest.mark.parametrize("threshold", [0.5, 0.75, 0.95])
@pytest.mark.parametrize("week", [0, 12, 24, 52])
def test_of_100_people_none_is_lost(week: int, threshold: float) -> None:
    people = forecast_figures.people(make_dataset(), PLAN, week, threshold)
    assert people is not None
    parts = (people.either, people.only_treated, people.only_untreated, people.neither)
    assert sum(parts) == 100
    assert min(parts) >= 0
    untreated = people.shares["untreated"].middle
    assert people.either + people.only_untreated == pytest.approx(100 * untreated, abs=2)


def test_shares_of_people_are_rounded_without_losing_one() -> None:
    random = np.random.default_rng(3)
    for shares in random.dirichlet([0.7, 0.7, 0.2, 1.0], size=200):
        counts = forecast_figures.whole_people(list(shares))
        assert sum(counts) == 100
        assert np.abs(np.array(counts) - 100 * shares).max() < 1.0


def test_first_hair_beyond_the_horizon_is_said_so() -> None:
    data = make_dataset()
    words = forecast_words.first_hair_words(data, "untreated", "B")
    assert words == "week 23 (9 to after week 52)"
    data["first_hair_week"][:] = np.nan
    assert forecast_words.first_hair_words(data, "untreated", "B") == ""
    data["first_hair_week"][:] = 0.0
    assert forecast_words.first_hair_words(data, PLAN, "A") == "already visible"


def test_every_chart_has_its_own_key_and_words() -> None:
    data = make_dataset()
    drawings: list[Drawing] = [
        drawing for group in forecast_charts.fan_charts(data, {}).values() for drawing in group
    ]
    drawings += forecast_charts.chance_charts(data) + forecast_charts.relapse_charts(data)
    drawings += forecast_charts.cortisol_charts(data, {})
    keys = [drawing.key for drawing in drawings]
    assert len(set(keys)) == len(keys)
    assert all("(" in drawing.description for drawing in drawings)


def test_many_patches_are_charted_by_size() -> None:
    data = make_dataset(patches=tuple("ABCDEF"))
    area = np.array([1.0, 5.0, 4.0, 0.5, 3.0, 2.0])
    data["patch_area"] = data["patch_area"] * 0 + xr.DataArray(area, dims="patch")
    assert forecast_charts.patches_charted(data) == ["B", "C", "E", "F"]


# --- the page for the doctor ---


def test_the_page_carries_everything_itself(page: str) -> None:
    assert page.count("<article") == 2
    assert not re.search(r"""(?:src|href)=["'](?!data:|#)""", page)
    assert "<script" not in page


def test_ids_are_unique_and_links_arrive(page: str) -> None:
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(set(ids)) == len(ids)
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)


def test_every_picture_says_what_it_shows(page: str) -> None:
    pictures = re.findall(r"<img [^>]+>", page)
    assert len(pictures) == 2 * (1 + 3 * 4)
    assert all(re.search(r'alt="[^"]{10,}"', picture) for picture in pictures)
    drawings = re.findall(r'<svg [^>]*role="img"[^>]*>', page)
    assert len(drawings) > 10
    assert all(re.search(r'aria-label="[^"]{20,}"', drawing) for drawing in drawings)


def test_flags_stand_before_every_number(page: str) -> None:
    flag = page.index("the forecast leans on other people")
    assert flag < page.index('id="summary"') < page.index('id="numbers"')


def test_the_summary_has_both_arms_with_intervals(page: str) -> None:
    text = " ".join(text_of(page, "doctor").split())
    data = make_dataset()
    for plan in (PLAN, "untreated"):
        found = forecast_figures.spread(data, "scalp_regrowth", plan=plan, week=24)
        assert found is not None
        assert forecast_figures.range_words(found) in text
    assert "natural recovery" in text.lower()
    assert "relapse" in text.lower()


def test_no_percentage_of_the_table_is_without_interval(page: str) -> None:
    tables = re.findall(r'<table class="figures">.*?</table>', page, re.DOTALL)
    cells = [cell for table in tables for cell in re.findall(r'<td class="n">([^<]+)</td>', table)]
    assert len(cells) > 100
    assert all(re.search(r"\(.+–.+\)", cell) for cell in cells)


def test_the_people_drawn_are_those_counted(page: str, patient: Patient) -> None:
    people = forecast_figures.people(make_dataset(), PLAN, 24, forecast_words.MOST_BACK)
    assert people is not None
    doctor = page[: page.index('id="patient"')]
    assert doctor.count('href="#person" class="either"') == people.either
    assert doctor.count('href="#person" class="added"') == people.only_treated
    assert doctor.count('href="#person" class="none"') == people.neither


def test_several_plans_stand_side_by_side(tmp_path: Path, patient: Patient) -> None:
    made = make_forecast(plans=("weak", "strong <&>"))
    text = write(tmp_path, made, patient)
    assert "<&>" not in text
    assert text.count("strong &lt;&amp;&gt;") > 5
    assert "No flag" in text


def test_without_a_plan_the_natural_course_is_told(tmp_path: Path, patient: Patient) -> None:
    text = write(tmp_path, make_forecast(plans=()), patient)
    assert "needle" not in text_of(text, "patient").lower().replace("no more needles", "")
    assert "No further session is planned" in text


def test_a_review_is_shown_with_rule_and_chance(tmp_path: Path, patient: Patient) -> None:
    gate = SimpleNamespace(
        week=12.0, title="Regrowth at 12 weeks", due=date(2026, 3, 30), reached="missed",
        observed=(SimpleNamespace(patch="A", percent=15.0, date=date(2026, 3, 30)),), whole=15.0,
        date=date(2026, 3, 30), rules=("gate-japan",), source="JDA2024", at_least=25.0,
        forecast=(SimpleNamespace(plan="go on", chance=0.31, low=0.2, high=0.44),),
    )  # fmt: skip
    step = SimpleNamespace(action="step up", why=("The gate was missed.",), rules=("gate-japan",),
                           forecast="Go on 31 % (20–44).")  # fmt: skip
    other = SimpleNamespace(action="stop", why=("Nothing gained so far.",), rules=(), forecast="")
    found = SimpleNamespace(on=ORIGIN, profile="japan", first_session=ORIGIN, week=12.0,
                            gates=(gate,), suggestion=step, alternatives=(other,),
                            patches=(), note="")  # fmt: skip
    text = text_of(write(tmp_path, make_forecast(), patient, review=found), "doctor")
    for words in ("Suggested: step up", "Or: stop", "gate-japan", "(20–44)", "missed"):
        assert words in text
    stopped = write(tmp_path, make_forecast([make_flag("stop")]), patient, review=found)
    assert "(20–44)" not in stopped.split('id="review"')[1].split("<h3>")[0]


# --- the page for the patient ---


def test_the_patient_page_is_read_by_a_child_of_twelve(page: str) -> None:
    prose = read(page, "patient").prose
    assert len(prose.split()) > 400
    assert reading_grade(prose) <= READING_GRADE


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("The cat sat on the mat. The dog ran to the man.", -3.0, 1.0),
        (
            "Intralesional corticosteroid administration necessitates individualised evaluation of "
            "dermatological contraindications before initiating subsequent interventions.",
            18.0,
            60.0,
        ),
    ],
)
def test_the_measure_of_reading_tells_easy_from_hard(text: str, low: float, high: float) -> None:
    assert low < reading_grade(text) < high


def test_the_patient_page_has_no_jargon_and_makes_no_promise(page: str) -> None:
    text = text_of(page, "patient")
    assert "forecast, not a promise" in text
    for word in ("SALT", "cortisol", "atrophy", "telangiectasia", "median", "interval", "cohort",
                 "intralesional", "posterior", "triamcinolone", "p ="):  # fmt: skip
        assert word.lower() not in text.lower()
    for words in ("Of 100 people like you", "When to call us", "What may go wrong"):
        assert words in text


def test_pictured_courses_are_labelled_honestly(page: str) -> None:
    text = " ".join(text_of(page, "patient").split())
    assert "About 10 of 100 people like you do this well or better" in text
    assert "About 10 of 100 people like you do this badly or worse" in text
    assert "Half of people like you do better than this" in text
    for week in (4, 8, 12, 24):
        assert f"Week {week} " in text
    assert "drawings, not photos" in text


def test_pictures_differ_between_the_courses(
    patient: Patient, pictures: Mapping[str, xr.Dataset]
) -> None:
    top, close = sights(patient, pictures)
    for sight in (top, close):
        assert [frame.week for frame in sight.rows["likely"]] == [4, 8, 12, 24]
        assert sight.now is not None
        light = {name: float(frames[-1].pixels.mean()) for name, frames in sight.rows.items()}
        assert light["lucky"] < light["unlucky"]
    assert close.now is not None
    assert close.now.bar > 0.0


def test_pictures_of_another_scalp_are_refused(
    patient: Patient, pictures: Mapping[str, xr.Dataset]
) -> None:
    wrong = {**pictures, "lucky": pictures["lucky"].isel(cell=slice(0, 10))}
    with pytest.raises(InputError, match="lucky"):
        sights(patient, wrong)


def test_the_second_page_begins_on_a_new_sheet(page: str) -> None:
    assert re.search(r"\.sheet-break \{ break-before: page", page)
    assert 'class="patient sheet-break"' in page


# --- withheld ---


def test_a_withheld_forecast_shows_why_and_no_number(
    tmp_path: Path, patient: Patient, plan: Plan, pictures: Mapping[str, xr.Dataset]
) -> None:
    flag = make_flag("stop", message="The visits contradict the model.", reason="p below limit")
    made = make_forecast([flag, make_flag()])
    text = write(tmp_path, made, patient, plans={PLAN: plan}, pictures=pictures)
    doctor, person = text_of(text, "doctor"), text_of(text, "patient")
    assert doctor.index("The visits contradict the model.") < doctor.index("No forecast is given")
    for part in (doctor, person):
        assert not re.search(r"\d ?%|\bnan\b", part.replace("95\xa0%", ""))
    assert "<img" not in text
    assert not re.search(r'<svg [^>]*role="img"', text)
    assert "We have no forecast for you today" in person
    assert "When to call us" in person
    assert reading_grade(read(text, "patient").prose) <= READING_GRADE


def test_the_same_forecast_gives_the_same_bytes(
    tmp_path: Path, patient: Patient, plan: Plan
) -> None:
    made = make_forecast([make_flag()])
    assert write(tmp_path, made, patient, plans={PLAN: plan}) == write(
        tmp_path, made, patient, plans={PLAN: plan}
    )


def test_an_unwritable_place_is_refused(tmp_path: Path, patient: Patient) -> None:
    with pytest.raises(InputError, match="place where a file can be written"):
        write_forecast_report(make_forecast(), patient, tmp_path / "missing" / "x.html")
