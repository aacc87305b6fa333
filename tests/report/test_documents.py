"""The printed documents: complete, right in every number, on the page, in both languages."""

import re
import string
from datetime import date, timedelta
from functools import cache
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from anagen.errors import InputError
from anagen.evidence.products import load_products
from anagen.evidence.rules import load_rules
from anagen.forecast.review import review
from anagen.patient import PatchSeen, Patient, Visit
from anagen.report.documents import DOCUMENTS, document_data, languages, make_document
from anagen.report.documents.typesetting import set_png
from anagen.report.documents.wording import load_wording
from anagen.report.forecast_data import forecast_data, review_data
from anagen.scalp import PatchShape, ViewPoint, circle_outline
from anagen.treatment import Injection, Plan, Session, load_protocols, syringe_sheet

HERE = Path(__file__).parent
read_pdf = run_path(str(HERE / "pdf_reading.py"))["read_pdf"]
MADE = run_path(str(HERE / "forecast_made.py"))
DAY = date(2026, 1, 5)
POINTS = {"A4": (595.28, 841.89), "Letter": (612.0, 792.0)}
MARGIN_SHARE, LIGHT = 0.055, 250
SHARED = ("rules", "products", "protocols", "drugs", "units")


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def site(number: int, patch: str | None = "A", **fields: Any) -> Injection:
    row, place = divmod(number - 1, 10)
    point = ViewPoint(view="top", x=42.0 + 6.0 * place, y=98.0 + 6.0 * row, unit="mm")
    values = {"product": "ta10", "strength_mg_per_mL": 5.0, "volume_mL": 0.05, "depth_mm": 3.0,
              "needle_gauge": 30}  # fmt: skip
    return Injection(number=number, location=point, patch=patch, **{**values, **fields})


def make_plan(*sites: Injection) -> Plan:
    chosen = sites or tuple(site(number) for number in range(1, 8))
    days = [DAY, DAY + timedelta(weeks=4)]
    sessions = tuple(Session(date=day, injections=chosen) for day in days)
    return Plan(protocol="scalp-standard-5", patient="T-001", sessions=sessions)


def make_patient(**fields: Any) -> Patient:
    ring = PatchShape(outlines=(circle_outline("top", 60.0, 110.0, 30.0),))
    visit = Visit(date=DAY, salt_percent=4.5,
                  patches=(PatchSeen(id="A", shape=ring, regrowth_percent=10.0),))  # fmt: skip
    return Patient(**{"id": "T-001", "age_years": 34.0, "visits": (visit,), **fields})


@cache
def own_forecast() -> dict[str, Any]:
    """Forecast of the usual case as plain data."""
    return forecast_data(SimpleNamespace(dataset=MADE["make_dataset"](), flags=()))


def pieces_of(kind: str, patient: Patient) -> dict[str, Any]:
    """What a document of a kind needs beside the record."""
    pieces: dict[str, Any] = {"plan": make_plan()}
    if kind == "leaflet":
        pieces["forecast"] = own_forecast()
    if kind == "review":
        pieces["review"] = review(patient, on=DAY)
    return pieces


def make(kind: str, **options: Any) -> bytes:
    """Make a document of the usual case, changed by options."""
    patient = options.pop("patient", None) or make_patient()
    return make_document(kind, patient=patient, **{**pieces_of(kind, patient), **options})


@cache
def usual(kind: str) -> Any:
    """Read the usual document of a kind on A4 in English."""
    return read_pdf(make(kind))


class Words(HTMLParser):
    """Words of a page, without style and drawings."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.text, self._hidden = "", 0
        self.feed(page.decode("utf-8"))

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._hidden += tag in ("style", "svg")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "svg")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text += data


@pytest.mark.parametrize(("paper", "language"), [("A4", "de"), ("Letter", "en")])
@pytest.mark.parametrize("kind", DOCUMENTS)
def test_every_document_is_a_pdf_of_its_paper_and_language(
    kind: str, paper: str, language: str
) -> None:
    made = read_pdf(make(kind, paper=paper, language=language))
    assert 1 <= len(made.pages) <= 4
    assert all(np.allclose(size, POINTS[paper], atol=0.1) for size in made.sizes)
    assert squeezed(load_wording(language).say(f"titles.{kind}")) in made.pages[0]
    assert all("T-001" in page for page in made.pages)
    assert not re.search(r"[{}\ue000-\ue003]", made.text)


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_the_page_in_the_browser_says_what_the_paper_says(kind: str) -> None:
    page = make(kind, as_="html")
    words = squeezed(Words(page).text)
    paper = usual(kind).text
    numbers = set(re.findall(r"\d+(?:\.\d+)?(?:mg|mL|%)", paper))
    assert numbers <= set(re.findall(r"\d+(?:\.\d+)?(?:mg|mL|%)", words))
    assert not re.search(rb"(src|href)=\"(?!data:|#)", page)
    assert b"<script" not in page


@pytest.mark.parametrize(("kind", "as_"), [("injections", "pdf"), ("consent", "pdf"),
                                           ("letter", "html")])  # fmt: skip
def test_same_input_gives_the_same_bytes(kind: str, as_: str) -> None:
    assert make(kind, as_=as_) == make(kind, as_=as_)


def test_injection_sheet_lists_every_site_and_its_totals_agree() -> None:
    sites = [site(number) for number in range(1, 32)]
    sites[4] = site(5, strength_mg_per_mL=2.5, volume_mL=0.08)
    sites[9] = site(10, status="skipped", skipped_reason="thin skin")
    plan = make_plan(*sites)
    data = document_data("injections", patient=make_patient(), plan=plan)
    tables = [block for block in data["blocks"] if block["kind"] == "table"]
    table = next(block for block in tables if block["dense"])
    rows = [["".join(run["t"] for run in cell) for cell in row] for row in table["rows"]]
    assert [row[0] for row in rows] == [str(number) for number in range(1, 32)]
    doses = [float(row[5].split()[0]) for row in rows if row[5] != "–"]
    volumes = [float(row[4].split()[0]) for row in rows if row[5] != "–"]
    session = plan.sessions[0]
    assert sum(doses) == pytest.approx(session.total_mg)
    assert sum(volumes) == pytest.approx(session.total_mL)
    total = ["".join(run["t"] for run in cell) for cell in table["total"]]
    assert float(total[5].split()[0]) == pytest.approx(session.total_mg)
    assert float(total[4].split()[0]) == pytest.approx(session.total_mL)
    assert total[1].split()[0] == "30"
    assert rows[9][4:6] == ["left out", "–"]
    assert all(row[10] == row[11] == "\ue002" for row in rows)
    fills = next(block for block in tables if "fill" in block["title"].lower())
    served = syringe_sheet(session)
    assert len(fills["rows"]) == sum(len(mix.syringes) for mix in served.mixes)
    names = {row[8] for row in rows if row[5] != "–"}
    assert names == {"A1", "A2", "B1"}


def test_each_mix_says_how_much_of_what_to_draw() -> None:
    text = usual("injections").text
    (mix,) = syringe_sheet(make_plan().sessions[0]).mixes
    assert mix.dilution.stock_mL == mix.dilution.diluent_mL
    half = f"{mix.dilution.stock_mL:g}mL"
    assert f"Drawup{half}ofTriamcinoloneacetonide10mg/mL." in text
    assert f"Add{half}ofSodiumchloride0.9%andmixto{mix.dilution.final_mL:g}mL." in text


def test_german_has_decimal_commas_and_german_names() -> None:
    text = read_pdf(make("injections", language="de")).text
    assert "Triamcinolonacetonid5mg/mL" in text
    assert "0,05mL" in text
    assert "0,25mg" in text
    assert not re.search(r"\d\.\d+(?:mL|mg)", text)
    assert "5.Januar2026" in text
    assert "triamcinolone" not in text.split("Quellen")[0]


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_nothing_runs_into_the_margin(kind: str) -> None:
    long = "right parietal above the ear, the larger of two " * 3
    ring = PatchShape(outlines=(circle_outline("top", 60.0, 110.0, 30.0),))
    seen = PatchSeen(id="A", shape=ring, blocked=long, note=long)
    visit = Visit(date=DAY, patches=(seen,), adverse_events=(long,), note=long)
    patient = make_patient(visits=(visit,), allergies=(long[:90],))
    sites = [site(number, strength_mg_per_mL=2.5 if number % 2 else 10.0, volume_mL=0.1)
             for number in range(1, 81)]  # fmt: skip
    pieces = {**pieces_of(kind, patient), "patient": patient, "plan": make_plan(*sites)}
    data = document_data(kind, language="de", paper="Letter", **pieces)
    for page in set_png(data, 40.0):
        grey = np.asarray(Image.open(BytesIO(page)).convert("L"))
        edge = int(MARGIN_SHARE * grey.shape[1])
        assert grey[:, :edge].min() > LIGHT
        assert grey[:, -edge:].min() > LIGHT


def test_pieces_that_are_missing_are_named() -> None:
    patient, plan = make_patient(), make_plan()
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("injections", {"patient": patient}, "session"),
        ("injections", {"patient": patient, "plan": plan, "session": 9}, "1 to 2"),
        ("injections", {"patient": patient, "session": Session(date=DAY)}, "at least one site"),
        ("letter", {"patient": Patient(id="T-001"), "visit_date": DAY}, "visit"),
        ("letter", {"patient": patient, "visit_date": DAY - timedelta(1)}, "visit"),
        ("leaflet", {"patient": patient}, "forecast"),
        ("review", {"patient": patient}, "review"),
        ("consent", {"patient": Patient(id="T-001")}, "visit_date"),
        ("prescription", {"patient": patient}, "injections or letter"),
        ("consent", {"patient": patient, "paper": "A5"}, "A4 or Letter"),
        ("consent", {"patient": patient, "language": "tlh"}, "de or en"),
        ("consent", {"patient": patient, "as_": "docx"}, "pdf or html"),
    ]
    for kind, options, words in cases:
        with pytest.raises(InputError, match=words):
            make_document(kind, **options)


def test_a_strength_that_cannot_be_mixed_is_refused() -> None:
    plan = make_plan(site(1, strength_mg_per_mL=20.0))
    with pytest.raises(InputError, match="at most 10 mg/mL"):
        make("injections", plan=plan)


def test_papers_of_somebody_else_are_refused_all_at_once() -> None:
    other = make_plan().model_copy(update={"patient": "T-002"})
    with pytest.raises(InputError) as caught:
        make("leaflet", patient=make_patient(id="T-003"), plan=other)
    assert {problem.place for problem in caught.value.problems} == {"plan", "forecast"}


def test_no_name_is_printed_unless_it_is_given() -> None:
    assert "JaneRoe" not in usual("consent").text
    assert "JaneRoe" in read_pdf(make("consent", display_name="Jane Roe")).text


@pytest.mark.parametrize("as_", ["pdf", "html"])
def test_typed_words_stay_words(as_: str) -> None:
    note = "#panic() **x** <b>{id}</b> $y$ @ref \ue000"
    patient = make_patient()
    visit = patient.visits[0].model_copy(update={"note": note})
    made = make("letter", patient=patient.model_copy(update={"visits": (visit,)}), as_=as_)
    text = read_pdf(made).text if as_ == "pdf" else squeezed(Words(made).text)
    assert squeezed("#panic() **x** <b>{id}</b> $y$ @ref") in text


def test_a_blocked_patch_and_an_allergy_stand_on_the_sheet() -> None:
    patient = make_patient(allergies=("benzyl alcohol",))
    seen = patient.visits[0].patches[0].model_copy(update={"blocked": "thin skin"})
    visit = patient.visits[0].model_copy(update={"patches": (seen,)})
    text = read_pdf(
        make("injections", patient=patient.model_copy(update={"visits": (visit,)}))
    ).text
    assert "DonotinjectA:thinskin." in text
    assert "Allergiesonrecord:benzylalcohol." in text


def test_sites_without_a_patch_and_a_head_never_drawn_still_make_a_sheet() -> None:
    patient = Patient(id="T-001", visits=(Visit(date=DAY),))
    text = read_pdf(make("injections", patient=patient, plan=make_plan(site(1, patch=None)))).text
    assert "0.25mg" in text


def test_letter_tells_what_was_given_that_day_and_the_next_visit() -> None:
    patient = make_patient(sessions=(make_plan().sessions[0],))
    text = read_pdf(make("letter", patient=patient)).text
    assert "Weinjectedtriamcinoloneacetonide5mg/mLat7sites,0.35mL,1.75mginall." in text
    assert "Nextvisit:2February2026." in text
    assert "Steroidsofar,astriamcinoloneandbyallroutesonrecord:1.8mg" in text


def test_letter_without_injection_says_so() -> None:
    assert "Nothingwasinjectedatthisvisit." in read_pdf(make("letter", plan=None)).text


def test_consent_of_a_child_is_signed_by_a_parent_and_darker_skin_is_spoken_of() -> None:
    grown = usual("consent").text
    child = read_pdf(make("consent", patient=make_patient(age_years=9.0, skin_type=5))).text
    assert "Parentorguardian" not in grown
    assert "Parentorguardian" in child
    assert "Myskinisofadarkertype" in child
    assert "Myskinisofadarkertype" not in grown


def test_consent_gives_the_published_figure_of_the_strength_planned() -> None:
    weak = make_plan(site(1, strength_mg_per_mL=2.5))
    text = squeezed(Words(make("consent", plan=weak, as_="html")).text)
    assert "about4of100people(1to14)" in text
    assert "at2.5mg/mL" in text
    every = squeezed(Words(make("consent", plan=None, as_="html")).text)
    assert all(f"at{strength}mg/mL" in every for strength in ("2.5", "5", "10"))


def test_every_number_cited_has_its_source_in_small_print() -> None:
    for kind in DOCUMENTS:
        text = usual(kind).text
        body, _, small = text.rpartition("Sources")
        cited = {int(n) for group in re.findall(r"\[([\d,]+)[\],]", body) for n in
                 group.split(",") if n}  # fmt: skip
        listed = {int(number) for number in re.findall(r"\[(\d+)\]", small)}
        assert cited == listed
        assert cited == set(range(1, len(cited) + 1))


def test_leaflet_gives_the_own_chance_with_and_without_treatment() -> None:
    data = MADE["make_dataset"]()
    made = make("leaflet", forecast=data, as_="html").decode("utf-8")
    for plan in ("scalp-standard-5", "untreated"):
        share = float(data["scalp_chance"].sel(plan=plan, week=24, threshold=0.75))
        assert f"{100 * share:.0f}\u00a0%" in made
    assert "100 people like you in 24 weeks" in made


def test_leaflet_of_a_withheld_forecast_shows_no_number_of_it() -> None:
    made = MADE["make_forecast"](flags=[MADE["make_flag"]("stop")])
    text = read_pdf(make("leaflet", forecast=made)).text
    assert "Wehavenoforecastforyoutoday." in text
    assert "Yourforecast:" not in text
    assert "100peoplelikeyou" not in text


def test_plain_data_make_the_same_leaflet_as_the_dataset() -> None:
    made = [make("leaflet", forecast=one, as_="html")
            for one in (MADE["make_dataset"](), own_forecast())]  # fmt: skip
    assert made[0] == made[1]


def test_plain_data_make_the_same_review_sheet_as_the_review() -> None:
    found = review(make_patient(), on=DAY)
    made = [make("review", review=one, as_="html") for one in (review_data(found, None), found)]
    assert made[0] == made[1]


def _names(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", [code for code in languages() if code != "en"])
def test_every_catalogue_is_complete(language: str) -> None:
    english, other = load_wording("en").table, load_wording(language).table
    assert set(english) <= set(other)
    extra = {key for key in set(other) - set(english) if key.split(".")[0] not in SHARED}
    assert not extra
    for key, text in english.items():
        assert _names(text) == _names(other[key]), key
    assert {f"rules.{key}" for key in load_rules()} <= set(other)
    assert {f"products.{key}" for key in load_products()} <= set(other)
    assert {f"protocols.{key}" for key in load_protocols()} <= set(other)
    drugs = {product.drug.replace(" ", "_") for product in load_products().values() if product.drug}
    assert {f"drugs.{key}" for key in drugs} <= set(other)
