"""The report as a file: what it must hold, carry and refuse."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anagen.errors import InputError
from anagen.report import write_report

VOID = {"area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}


class Outline(HTMLParser):
    """Checks that tags nest, and collects ids, links and what each tag carries."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        fields = dict(attrs)
        self.tags.append((tag, fields))
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [fields["id"]] if fields.get("id") else []
        for name in ("src", "href", "xlink:href", "action", "srcset", "data", "poster"):
            if fields.get(name):
                self.targets.append(str(fields[name]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def outline_of(page: str) -> Outline:
    parser = Outline()
    parser.feed(page)
    assert not parser.open
    return parser


def test_every_section_is_there_and_linked(page: str) -> None:
    parsed = outline_of(page)
    for section in ("summary", "plan", "sheet", "scalp", "curves", "harms", "ledger", "sources"):
        assert section in parsed.ids
        assert f"#{section}" in parsed.targets


def test_ids_are_unique_and_local_targets_exist(page: str) -> None:
    parsed = outline_of(page)
    assert len(parsed.ids) == len(set(parsed.ids))
    local = {target[1:] for target in parsed.targets if target.startswith("#")}
    assert local <= set(parsed.ids)
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(parsed.ids)


def test_nothing_is_fetched_and_no_script_runs(page: str) -> None:
    parsed = outline_of(page)
    assert all(target.startswith(("#", "data:")) for target in parsed.targets)
    names = {tag for tag, _ in parsed.tags}
    assert not names & {"script", "iframe", "object", "embed", "base", "form"}
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)


def test_it_says_what_it_is(page: str) -> None:
    assert "not a medical device" in page
    assert "Decision support" in page
    assert "T-001" in page
    assert "0.0.test" in page
    assert "2026.11" in page
    assert "5 January 2026" in page


def test_numbers_of_the_course_reach_the_page(case: Any, page: str) -> None:
    assert "regrows 100 % by week 12" in page
    assert "SALT goes from 5.0 to 1.0 by week 24" in page
    assert "reaches 11 % in patch A" in page
    assert f"{case.plan.sessions[0].total_mg:.3g} mg" in page
    assert "Much fluid in one session." in page
    assert "skin thin after the last course" in page


def test_pictures_and_tables_can_be_read_without_eyes(page: str) -> None:
    parsed = outline_of(page)
    images = [fields for tag, fields in parsed.tags if tag == "img"]
    assert len(images) >= 30
    assert all(fields.get("alt") for fields in images)
    drawings = [fields for tag, fields in parsed.tags if tag == "svg"]
    assert all(fields.get("role") == "img" and fields.get("aria-label") for fields in drawings)
    heads = [fields for tag, fields in parsed.tags if tag == "th"]
    assert all(fields.get("scope") for fields in heads)


def test_size_is_fit_for_mail(page: str) -> None:
    assert len(page.encode("utf-8")) < 6_000_000


@pytest.mark.usefixtures("tiny")
def test_same_input_gives_the_same_bytes(brief: Any, tmp_path: Path) -> None:
    assert brief.report(tmp_path / "a.html") == brief.report(tmp_path / "b.html")


@pytest.mark.usefixtures("undrawn")
def test_hostile_text_stays_text(short: Any, tmp_path: Path) -> None:
    evil = "</style></svg><script>alert(1)</script>"
    sessions = tuple(s.model_copy(update={"note": evil}) for s in short.plan.sessions)
    finding = short.plan.findings[0].model_copy(update={"message": evil, "title": "{{ 7 * 7 }}"})
    plan = short.plan.model_copy(
        update={"sessions": sessions, "findings": (finding,), "notes": (evil,), "protocol": evil}
    )
    page = replace(short, plan=plan).report(tmp_path / "r.html")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "{{ 7 * 7 }}" in page
    outline_of(page)


def test_any_patch_name_can_be_drawn(
    brief: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = 'a$_{b}$ x" onload="y <b>&amp; 漢字 -->'
    monkeypatch.setattr("anagen.report.pictures.strips", lambda *_: [])
    case = brief
    course = case.course.assign_coords(patch=np.array([name, "B"], dtype=object))
    visit = case.patient.visits[0]
    renamed = visit.patches[0].model_copy(update={"id": name})
    visit = visit.model_copy(update={"patches": (renamed, visit.patches[1])})
    plan = case.plan.model_copy(
        update={
            "sessions": tuple(
                session.model_copy(
                    update={
                        "injections": tuple(
                            site.model_copy(update={"patch": name}) for site in session.injections
                        )
                    }
                )
                for session in case.plan.sessions
            )
        }
    )
    untreated = case.untreated.assign_coords(patch=course["patch"])
    hostile = replace(
        case, course=course, untreated=untreated, plan=plan,
        patient=case.patient.model_copy(update={"visits": (visit,)}),
    )  # fmt: skip
    parsed = outline_of(hostile.report(tmp_path / "r.html"))
    assert not any("onload" in fields for _, fields in parsed.tags)


@pytest.mark.usefixtures("tiny")
def test_a_course_may_lack_what_is_optional(brief: Any, tmp_path: Path) -> None:
    kept = ["cover", "patch_cover", "patch_regrowth"]
    bare = replace(brief, course=brief.course[kept], untreated=brief.untreated[kept])
    page = bare.report(tmp_path / "r.html")
    outline_of(page)
    assert "Visible cover" in page
    assert "cortisol falls" not in page


@pytest.mark.usefixtures("undrawn")
def test_a_plan_without_sessions_is_reported(short: Any, tmp_path: Path) -> None:
    plan = short.plan.model_copy(update={"sessions": ()})
    page = replace(short, plan=plan).report(tmp_path / "r.html")
    assert "nothing is injected" in page


@pytest.mark.usefixtures("undrawn")
def test_a_blocking_finding_stops_the_reader(short: Any, tmp_path: Path) -> None:
    finding = short.plan.findings[0].model_copy(update={"severity": "block"})
    plan = short.plan.model_copy(update={"findings": (finding,)})
    assert "must not be carried out" in replace(short, plan=plan).report(tmp_path / "r.html")
    overridden = finding.model_copy(update={"overridden_by": "Agreed with the endocrinologist."})
    plan = plan.model_copy(update={"findings": (overridden,)})
    page = replace(short, plan=plan).report(tmp_path / "r.html")
    assert "must not be carried out" not in page
    assert "Agreed with the endocrinologist." in page


@pytest.mark.usefixtures("undrawn")
def test_failing_to_write_leaves_nothing_behind(short: Any, tmp_path: Path) -> None:
    target = tmp_path / "missing" / "report.html"
    with pytest.raises(InputError, match="file can be written"):
        write_report(
            short.patient, short.plan, short.course, short.untreated, target, scalp=short.scalp
        )
    folder = tmp_path / "taken.html"
    folder.mkdir()
    with pytest.raises(InputError):
        short.report(folder)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["taken.html"]


@pytest.mark.usefixtures("undrawn")
def test_an_older_report_is_replaced(short: Any, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("old", encoding="utf-8")
    assert short.report(target) != "old"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_course_of_another_scalp_is_refused(short: Any, tmp_path: Path) -> None:
    other = short.course.isel(cell=slice(0, 10))
    with pytest.raises(InputError, match="cells"):
        replace(short, course=other).report(tmp_path / "r.html")
    assert not list(tmp_path.iterdir())
