"""The injection map and syringe sheet: what to prepare, where to inject, what to tick."""

import math
import string
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from anagen.report.documents import blocks
from anagen.report.documents.blocks import BOX, LINE, Block, column
from anagen.report.documents.drawings import maps
from anagen.report.documents.request import Request, needed
from anagen.report.documents.terms import (
    drug_words,
    finding_words,
    product_words,
    protocol_words,
    rule_title,
)
from anagen.report.documents.wording import NARROW, Wording, bold, clean

if TYPE_CHECKING:
    from anagen.treatment import Finding, Mix, Session, SyringeSheet
    from anagen.treatment.binding import BindingLimit

_MOST_LIMITS = 8
_FEW_VIEWS = 4
_LAST_DECIMAL_ML = 0.0005
"""Half of the last decimal that is printed."""


def build(request: Request) -> list[Block]:
    """Gather the sheet of one session.

    Raises
    ------
    InputError
        When there is no session, it has nothing to inject, or a strength cannot be made.
    """
    from anagen.treatment import syringe_sheet

    session = request.session
    if session is None:
        raise needed("session", "a plan with a session on or after the day, or a session",
                     "Plan a session, or give its number.")  # fmt: skip
    if not session.sites:
        raise needed("session.injections", "at least one site to inject",
                     "Place sites, or choose another session.")  # fmt: skip
    sheet = syringe_sheet(session)
    return [
        *_summary(request, session),
        *_warnings(request, session),
        *_map(request, session),
        *_prepare(request, sheet),
        *_limits(request, session),
        *_sites(request, session, sheet),
        *_finish(request, session),
    ]


def _summary(request: Request, session: "Session") -> list[Block]:
    words = request.wording
    plan = request.plan
    strengths = words.join(words.number(s) for s in session.strengths)
    drugs = words.join(dict.fromkeys(drug_words(words, s.product) for s in session.injections))
    pairs = [
        *request.identity,
        (words.say("sheet.day"), _day(request, session)),
        (words.say("sheet.sites"), words.number(session.sites)),
        (words.say("sheet.volume"), words.amount(session.total_mL, "mL")),
        (words.say("sheet.dose"), words.amount(session.total_mg, "mg")),
        (words.say("sheet.drug"), f"{drugs} {strengths}{NARROW}mg/mL"),
    ]  # fmt: skip
    if plan is not None:
        pairs.append((words.say("sheet.protocol"), protocol_words(words, plan.protocol)))
    return [blocks.facts(pairs, 4)]


def _day(request: Request, session: "Session") -> str:
    words, plan = request.wording, request.plan
    if plan is None or session not in plan.sessions:
        return words.day(session.date)
    number = plan.sessions.index(session) + 1
    return words.say("sheet.day_of", day=words.day(session.date), number=number,
                     count=len(plan.sessions))  # fmt: skip


def _warnings(request: Request, session: "Session") -> list[Block]:
    from anagen.report.content import blocked_patches
    from anagen.report.ledger import grouped_findings

    words = request.wording
    found = [] if request.plan is None else _of_session(request, session)
    out = [
        blocks.callout(
            finding_words(words, group.finding) + request.cited(group.finding.source),
            "stop" if group.finding.severity == "block" else "warn",
            words.say(f"severity.{group.finding.severity}"),
        )
        for group in grouped_findings(found)
        if group.finding.severity != "inform"
    ]
    injected = {site.patch for site in session.injections if site.status != "skipped"}
    for name, why in blocked_patches(request.patient, session.date).items():
        tone = "stop" if name in injected else "note"
        out.append(
            blocks.callout(words.say("sheet.closed", patch=clean(name), why=clean(why)), tone)
        )
    allergies = request.patient.allergies
    if allergies:
        names = words.join(map(clean, allergies))
        out.append(blocks.callout(words.say("sheet.allergies", names=names), "warn"))
    return out


def _of_session(request: Request, session: "Session") -> list["Finding"]:
    plan = request.plan
    if plan is None or session not in plan.sessions:
        return []
    own = f"sessions[{plan.sessions.index(session)}]"
    return [
        finding
        for finding in plan.findings
        if not finding.place.startswith("sessions[")
        or any(place.startswith(own) for place in (finding.place, *finding.places))
    ]


def _map(request: Request, session: "Session") -> list[Block]:
    words = request.wording
    views, close = maps(request.patient, session, session.date, words)
    return [
        blocks.heading(words.say("sheet.map_title")),
        blocks.figures(views, _FEW_VIEWS),
        blocks.paragraph(words.say("sheet.map_note"), "small"),
        blocks.heading(words.say("sheet.close_title")),
        blocks.figures(close, 2 if len(close) < 7 else 3),
    ]


def _prepare(request: Request, sheet: "SyringeSheet") -> list[Block]:
    words = request.wording
    before = [words.say(key) for key in words.section("before")]
    out = [
        blocks.heading(words.say("sheet.before_title"), new_page=True),
        blocks.checks(before, columns=2, small=True),
        blocks.heading(words.say("sheet.prepare_title")),
    ]
    for mix in sheet.mixes:
        out += _mix(request, mix)
    names = _syringe_names(sheet)
    rows = [
        [
            words.say("sheet.syringe_number", number=names[syringe.injections[0]]),
            words.amount(mix.dilution.target_mg_per_mL, "mg/mL"),
            bold(words.amount(syringe.fill_mL, "mL")),
            words.amount(syringe.deliver_mL, "mL"),
            words.numbers(syringe.injections),
        ]
        for mix in sheet.mixes
        for syringe in mix.syringes
    ]
    kind = "insulin" if "insulin" in sheet.syringe else "luer_lock"
    heads = [
        column(words.say("sheet.syringe")),
        column(words.say("sheet.strength"), align="right"),
        column(words.say("sheet.draw_up"), align="right"),
        column(words.say("sheet.inject"), align="right"),
        column(words.say("sheet.for_sites"), 1),
    ]
    total = [words.say("sheet.total"), "", "", words.amount(sheet.total_mL, "mL"),
             words.amount(sheet.total_mg, "mg")]  # fmt: skip
    title = words.say("sheet.fill_title", kind=words.say(f"syringes.{kind}"))
    return [*out, blocks.table(heads, rows, title=title, total=total)]


def _syringe_names(sheet: "SyringeSheet") -> dict[int, str]:
    """Name of the syringe of each site; with a letter for its mix where there are several."""
    letters = string.ascii_uppercase if len(sheet.mixes) > 1 else " "
    return {
        site: f"{letters[index % len(letters)].strip()}{syringe.number}"
        for index, mix in enumerate(sheet.mixes)
        for syringe in mix.syringes
        for site in syringe.injections
    }


def _mix(request: Request, mix: "Mix") -> list[Block]:
    from anagen.evidence.products import load_product

    words, made = request.wording, mix.dilution
    stock, diluent = product_words(words, made.product), product_words(words, made.diluent)
    product = load_product(made.product)
    place = {"stock": stock, "diluent": diluent, "final": words.amount(made.final_mL, "mL"),
             "stock_mL": words.amount(made.stock_mL, "mL"),
             "diluent_mL": words.amount(made.diluent_mL, "mL")}  # fmt: skip
    diluted = made.diluent_mL > _LAST_DECIMAL_ML
    if not product.strength_mg_per_mL:
        steps = ["draw_only"]
    else:
        steps = ["inspect" if product.soluble else "shake", "draw", *(["add"] if diluted else [])]
    steps += ["label", "now"]
    name = f"{drug_words(words, made.product)} {words.amount(made.target_mg_per_mL, 'mg/mL')}"
    label = words.say("sheet.label", name=name, patient=clean(request.patient.id),
                      day=words.day(request.on),
                      diluent=diluent if diluted else words.say("sheet.undiluted"))  # fmt: skip
    pairs = [
        (words.say("sheet.stock"), f"{stock}: {bold(words.amount(made.stock_mL, 'mL'))}"),
        (words.say("sheet.diluent"), f"{diluent}: {bold(words.amount(made.diluent_mL, 'mL'))}"),
        (words.say("sheet.makes"), bold(words.amount(made.final_mL, 'mL'))),
        (words.say("sheet.vials"), words.number(made.vials)),
        (words.say("sheet.spare"), words.amount(mix.spare_mL, "mL")),
        (words.say("sheet.into_skin"), f"{words.amount(mix.deliver_mL, 'mL')} = "
                                       f"{words.amount(mix.deliver_mg, 'mg')}"),
    ]  # fmt: skip
    return [
        blocks.heading(name, 3),
        blocks.facts(pairs, 3),
        blocks.bullets([words.say(f"steps.{step}", **place) for step in steps], numbered=True),
        blocks.callout(label, "note", words.say("sheet.label_title")),
    ]


def _sites(request: Request, session: "Session", sheet: "SyringeSheet") -> list[Block]:
    words = request.wording
    syringe = _syringe_names(sheet)
    gaps = _steps_of_hand(request, session)
    rows = []
    for site, gap in zip(session.injections, gaps, strict=True):
        given = [words.amount(site.volume_mL, "mL"), words.amount(site.dose_mg, "mg")]
        if site.status == "skipped":
            given = [words.say("sheet.left_out"), "–"]
        rows.append([
            bold(str(site.number)), clean(site.patch or "–"),
            words.say(f"map.{site.location.view}"),
            words.amount(site.strength_mg_per_mL, "mg/mL"), *given,
            words.amount(site.depth_mm, "mm", 1), f"{site.needle_gauge}{NARROW}G",
            syringe.get(site.number, "–"), "–" if gap is None else words.amount(gap, "mm", 0),
            BOX, BOX, "",
        ])  # fmt: skip
    names = ("number", "patch", "view", "strength", "volume", "dose", "depth", "needle", "syringe",
             "step", "given", "skipped")  # fmt: skip
    aligned = dict.fromkeys(("strength", "volume", "dose", "depth", "needle", "step"), "right")
    aligned |= dict.fromkeys(("number", "syringe", "given", "skipped"), "center")
    heads = [
        column(words.say(f"columns.{name}"), int(name == "patch"), aligned.get(name, "left"))
        for name in names
    ]
    heads.append(column(words.say("columns.remark"), 1.2))
    total = [words.say("sheet.total"), words.say("sheet.sites_total", count=session.sites), "", "",
             words.amount(session.total_mL, "mL"), words.amount(session.total_mg, "mg"),
             "", "", "", "", "", "", ""]  # fmt: skip
    return [
        blocks.heading(words.say("sheet.table_title"), new_page=True),
        blocks.paragraph(words.say("sheet.table_note"), "small"),
        blocks.table(heads, rows, total=total, dense=True),
    ]


def _steps_of_hand(request: Request, session: "Session") -> list[float | None]:
    """Straight distance from each site to the next one [mm]; none after the last."""
    import numpy as np

    from anagen.patient import patient_scalp
    from anagen.scalp import locate

    scalp = patient_scalp(request.patient)
    at = [np.asarray(locate(scalp, site.location), dtype=float) for site in session.injections]
    gaps: list[float | None] = [float(np.linalg.norm(b - a))
                                for a, b in pairwise(at)]  # fmt: skip
    return [*gaps, None]


def _limits(request: Request, session: "Session") -> list[Block]:
    from anagen.report.ledger import limits_used
    from anagen.treatment import Plan

    words = request.wording
    plan = request.plan or Plan(protocol="custom", patient=request.patient.id, sessions=(session,))
    # What was planned before this session is in the record by now, as far as it was given.
    ahead = tuple(one for one in plan.sessions if one.date >= session.date)
    coming = plan.model_copy(update={"sessions": ahead})
    used = limits_used(request.patient, coming, session.date)[:_MOST_LIMITS]
    if not used:
        return []
    rows = [
        [
            rule_title(words, limit.rule, limit.title) + request.cited(limit.source),
            words.amount(limit.used, limit.unit, 1),
            words.amount(limit.limit, limit.unit, 1),
            words.percent(limit.fraction) if limit.fraction <= 1 else bold(_past(words, limit)),
        ]
        for limit in used
    ]  # fmt: skip
    heads = [
        column(words.say("columns.limit"), 1),
        column(words.say("columns.used"), align="right"),
        column(words.say("columns.allowed"), align="right"),
        column(words.say("columns.share"), align="right"),
    ]
    return [
        blocks.heading(words.say("sheet.limits_title")),
        blocks.paragraph(words.say("sheet.limits_note"), "small"),
        blocks.table(heads, rows),
    ]


def _past(words: Wording, limit: "BindingLimit") -> str:
    """Share of a limit that is passed: never rounded down to the limit itself."""
    if not math.isfinite(limit.fraction):  # of a limit of nothing
        return words.say("format.over", value=f"100{NARROW}%")
    return f"{words.number(math.ceil(100.0 * limit.fraction), 0)}{NARROW}%"


def _finish(request: Request, session: "Session") -> Sequence[Block]:
    words = request.wording
    names = (
        "sites_given",
        "volume_given",
        "dose_given",
        "pain",
        "lot",
        "expiry",
        "mixed_at",
        "reaction",
    )
    pairs = [(words.say(f"finish.{name}"), "") for name in names]
    comfort = [words.say(f"comfort.{name}") for name in session.comfort]
    out: list[Block] = [blocks.heading(words.say("sheet.finish_title"))]
    if comfort:
        out.append(blocks.paragraph(words.say("sheet.comfort", names=words.join(comfort))))
    if session.note:
        out.append(blocks.paragraph(words.say("sheet.note", note=clean(session.note))))
    return [*out, blocks.facts([(label, LINE) for label, _ in pairs], 4),
            blocks.signatures([words.say("sign.operator"), words.say("sign.checker")])]  # fmt: skip
