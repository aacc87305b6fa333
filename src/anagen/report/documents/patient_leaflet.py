"""The leaflet for the person treated: the own forecast in plain words, and what to do when."""

from typing import Any

from anagen.report.documents import blocks
from anagen.report.documents.blocks import Block, column
from anagen.report.documents.drawings import (
    PEOPLE_COLOURS,
    chance_bars,
    head_views,
    hundred,
    plan_weeks,
    time_line,
)
from anagen.report.documents.figures_published import atrophy_at, of_hundred, published
from anagen.report.documents.leaflet_figures import (
    Chance,
    chance_rows,
    model_words,
    of_plan,
    people_of,
    worst_harms,
)
from anagen.report.documents.request import Request, needed
from anagen.report.documents.wording import bold

_CLOSE_LABELS = 5.0


def build(request: Request) -> list[Block]:
    """Gather the leaflet.

    Raises
    ------
    InputError
        When there is no forecast.
    """
    if request.forecast is None:
        raise needed("forecast", "the forecast of this person",
                     "Make one first, with 'anagen forecast'.")  # fmt: skip
    words = request.wording
    rows = chance_rows(request.forecast)
    return [
        blocks.facts(request.identity, 4),
        blocks.paragraph(words.say("leaflet.lead"), "large"),
        blocks.heading(words.say("leaflet.what_title")),
        *_what(request),
        *_plan(request),
        *(_chances(request, rows) if rows else [_none(request)]),
        *_risks(request, shown=bool(rows)),
        *_days(request),
        *_when(request),
    ]


def _what(request: Request) -> list[Block]:
    words = request.wording
    told = [blocks.paragraph(words.say(f"leaflet.{name}"), "large") for name in ("what", "choice")]
    drawn = head_views(request.patient, request.on, words, 2)
    if not drawn:
        return told
    caption = blocks.paragraph(words.say("leaflet.spots"), "small")
    return [blocks.beside(told, [blocks.figures(drawn, len(drawn)), caption])]


def _plan(request: Request) -> list[Block]:
    words, plan = request.wording, request.plan
    if plan is None or not plan.sessions:
        return []
    start = plan.sessions[0].date
    weeks = plan_weeks(plan, start)
    looks = [gate.week for gate in plan.gates]
    last = max([*weeks, *looks, 12.0]) * 1.02
    marks: list[tuple[float, str, bool]] = []
    shown = -last
    for week in weeks:
        far = week - shown > last * _CLOSE_LABELS / 60.0
        label = words.say("leaflet.week", week=words.number(week, 0)) if far and week else ""
        marks.append((week, words.say("leaflet.first_day") if not week else label, True))
        shown = week if far else shown
    marks += [(week, words.say("leaflet.look", week=words.number(week, 0)), False)
              for week in dict.fromkeys(looks)]  # fmt: skip
    days = words.join(words.day(session.date) for session in plan.sessions)
    return [
        blocks.heading(words.say("leaflet.plan_title")),
        blocks.paragraph(words.say("leaflet.plan", count=len(plan.sessions), days=days), "large"),
        blocks.figures([time_line(marks, last, words)], 1),
    ]


def _none(request: Request) -> Block:
    return blocks.callout(request.wording.say("leaflet.withheld"), "stop")


def _chances(request: Request, rows: list[tuple[int, Chance, Chance]]) -> list[Block]:
    words = request.wording
    bars = [(words.say("leaflet.week", week=week), treated, idle) for week, treated, idle in rows]
    out = [
        blocks.heading(words.say("leaflet.chances_title")),
        blocks.callout(words.say("leaflet.promise"), "good"),
        blocks.paragraph(words.say("leaflet.chances"), "large"),
        blocks.together(blocks.figures([chance_bars(bars, words)], 1), blocks.legend([
            ("treated", words.say("leaflet.with")),
            ("untreated", words.say("leaflet.without")),
            ("ink", words.say("leaflet.interval")),
        ])),
    ]  # fmt: skip
    people = people_of(request.forecast)
    model = blocks.paragraph(words.say("leaflet.model", **model_words(request.forecast)), "small")
    return [*out, *_people(request, people, model)] if people else [*out, model]


def _people(request: Request, people: dict[str, Any], model: Block) -> list[Block]:
    words = request.wording
    counts = [
        (people[name], PEOPLE_COLOURS[name]) for name in ("either", "added", "lost", "neither")
    ]
    alt = words.say("leaflet.people_alt", **{k: people[k] for k in ("either", "added", "neither")})
    legend = blocks.legend([
        (name, words.say(f"people.{name}", count=people[name]))
        for name in ("either", "added", "lost", "neither") if people[name]
    ])  # fmt: skip
    shares = people["shares"]
    unsure = words.say("leaflet.unsure", idle=_between(request, shares["untreated"]),
                       added=_between(request, shares["only_treated"]))  # fmt: skip
    return [blocks.together(
        blocks.heading(words.say("leaflet.people_title", week=people["week"])),
        blocks.beside([blocks.figures([hundred(counts, alt)], 1)],
                      [legend, blocks.paragraph(unsure), model], widths=(1, 2)),
    )]  # fmt: skip


def _between(request: Request, found: Chance) -> str:
    low, high = (request.wording.number(100 * found[end], 0) for end in ("low", "high"))
    return request.wording.say("format.range", low=low, high=high)


def _own(request: Request, found: Chance | None) -> str:
    """Own chance as people of one hundred with its interval; empty without one."""
    if not found:
        return ""
    words = request.wording
    count = 100.0 * found["value"]
    text = words.say("format.fewer_than_one") if 0 < count < 1 else words.say(
        "format.of_hundred", count=words.number(count, 0))  # fmt: skip
    return words.say("leaflet.own", people=text, range=_between(request, found))


def _risks(request: Request, *, shown: bool) -> list[Block]:
    words, cited = request.wording, request.cited
    harms = worst_harms(request.forecast) if shown else {}
    strengths = [site.strength_mg_per_mL for s in (request.plan.sessions if request.plan else ())
                 for site in s.injections]  # fmt: skip
    strength, figure = atrophy_at(max(strengths) if strengths else 5.0)[0]
    studied = words.say("leaflet.studied", people=of_hundred(figure, words, cited),
                        strength=words.amount(strength, "mg/mL"))  # fmt: skip
    relapse = of_hundred(published("relapse_6_months"), words, cited)
    pain = of_plan(request.forecast, "pain") if shown else None
    pain_words = "" if pain is None else words.say(
        "leaflet.pain", middle=words.number(pain["value"], 0), low=words.number(pain["low"], 0),
        high=words.number(pain["high"], 0))  # fmt: skip
    other = published("pain_occurs")
    uncounted = words.say("leaflet.no_number")
    cells = {
        "pain": pain_words or words.say("leaflet.pain_other", value=words.number(other.value, 0))
        + cited(*other.sources),
        "atrophy": " ".join((_own(request, harms.get("atrophy_chance")), studied)).strip(),
        "colour": _own(request, harms.get("colour_chance")) or uncounted,
        "vessels": _own(request, harms.get("telangiectasia_chance")) or uncounted,
        "relapse": " ".join((_own(request, of_plan(request.forecast, "relapse") if shown else None),
                             words.say("leaflet.relapse_studied", people=relapse))).strip(),
        "new": words.say("leaflet.new") + cited("Rajan2020"),
        "rare": words.say("leaflet.rare") + cited("KenalogLabel", "CorticosteroidAmaurosis"),
    }  # fmt: skip
    rows = [[bold(words.say(f"risks.{name}")), text] for name, text in cells.items()]
    heads = [column(words.say("leaflet.risk"), 1), column(words.say("leaflet.how_often"), 2)]
    return [
        blocks.heading(words.say("leaflet.risks_title")),
        blocks.table(heads, rows),
    ]


def _days(request: Request) -> list[Block]:
    words = request.wording
    return [
        blocks.heading(words.say("leaflet.days_title")),
        blocks.beside(*(
            [blocks.heading(words.say(f"leaflet.{name}_title"), 3),
             blocks.bullets([words.say(key) for key in words.section(f"day_{name}")])]
            for name in ("before", "after"))),
    ]  # fmt: skip


def _when(request: Request) -> list[Block]:
    words = request.wording
    return [
        blocks.heading(words.say("leaflet.when_title")),
        blocks.beside(
            [blocks.callout("", "stop", words.say("leaflet.at_once")),
             blocks.bullets([words.say(key) for key in words.section("at_once")]),
             blocks.blank(words.say("leaflet.phone"), 1)],
            [blocks.callout("", "warn", words.say("leaflet.soon")),
             blocks.bullets([words.say(key) for key in words.section("soon")])],
        ),
        blocks.paragraph(words.say("leaflet.stop") + request.cited("JapanJDA2024")),
    ]  # fmt: skip
