"""The review sheet at a gate: what was asked for and seen, what is suggested and decided."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from anagen.report.documents import blocks
from anagen.report.documents.blocks import Block, column
from anagen.report.documents.drawings import head_views
from anagen.report.documents.request import Request, needed
from anagen.report.documents.terms import rule_title
from anagen.report.documents.wording import NARROW, bold, clean

_TONES = {"go on": "good", "watch": "note", "step up": "warn", "stop": "warn", "refer": "stop"}
_ACTIONS = ("go on", "step up", "watch", "stop", "refer")


def build(request: Request) -> list[Block]:
    """Gather the sheet.

    Raises
    ------
    InputError
        When there is no review.
    """
    review = request.review
    if review is None:
        raise needed("review", "a review of this person", "Make one first, with 'anagen review'.")
    words = request.wording
    pairs = [*request.identity, (words.say("review.on"), words.day(str(review["on"]))),
             (words.say("review.profile"), clean(str(review["profile"])))]  # fmt: skip
    if review.get("first_session"):
        pairs += [(words.say("review.first"), words.day(str(review["first_session"]))),
                  (words.say("review.week"), words.number(float(review["week"]), 1))]  # fmt: skip
    return [
        blocks.facts(pairs, 4),
        *_suggestion(request, review),
        *_gates(request, review),
        *_patches(request, review),
        *_chances(request, review),
        *_rules(request, review),
        *_decision(request),
    ]


def _suggestion(request: Request, review: Mapping[str, Any]) -> list[Block]:
    words, first = request.wording, review["suggestion"]
    action = words.say(f"actions.{first['action']}")
    ground = words.say(f"grounds.{first['ground']}")
    text = f"{ground}. {_why(request, first)}"
    out = [blocks.callout(text.strip(), _TONES[first["action"]],
                          words.say("review.suggests", action=action))]  # fmt: skip
    others = [
        " – ".join(
            (
                bold(words.say("actions." + one["action"])),
                f"{words.say('grounds.' + one['ground'])}. {_why(request, one)}".strip(),
            )
        )
        for one in review["alternatives"]
    ]
    if others:
        out += [blocks.heading(words.say("review.others"), 3), blocks.bullets(others, small=True)]
    return out


def _why(request: Request, suggestion: Mapping[str, Any]) -> str:
    """Reasons: the sentences of the engine where it writes this language, else the rules cited."""
    words = request.wording
    cited = request.cited(*_sources(suggestion["rules"]))
    if words.table["format.engine_sentences"] == "yes":
        return " ".join(_sentence(request, str(one)) for one in suggestion["why"]) + cited
    titles = list(dict.fromkeys(rule_title(words, str(key)) for key in suggestion["rules"]))
    return words.say("review.rules_cited", names=words.join(titles)) + cited if titles else ""


def _sentence(request: Request, text: str) -> str:
    """Sentence of the engine for paper: no keys of rules, dates in words."""
    plain = re.sub(r" \(rule [^)]*\)", "", clean(text))
    return re.sub(r"\d{4}-\d{2}-\d{2}", lambda found: request.wording.day(found.group()), plain)


def _sources(rules: Sequence[str]) -> list[str]:
    from anagen.evidence.rules import load_rules

    known = load_rules()
    return [known[key].source for key in rules if key in known]


def _gates(request: Request, review: Mapping[str, Any]) -> list[Block]:
    words = request.wording
    rows = []
    for gate in review["gates"]:
        measured = _measured(gate)
        asked = gate["at_least"]
        seen = "–" if measured is None else f"{words.number(measured, 0)}{NARROW}%"
        if measured is not None and gate["date"]:
            seen += f", {words.day(str(gate['date']))}"
        title = words.known(f"gates.{gate['key']}", str(gate["title"]))
        rows.append([
            bold(title) + request.cited(gate["source"]),
            words.day(str(gate["due"])),
            words.say("review.look_only") if asked is None else
            words.say(f"review.asked_{gate['judged']}", least=words.number(asked, 0)),
            seen,
            bold(words.say('reached.' + str(gate['reached']).replace(' ', '_'))),
        ])  # fmt: skip
    if not rows:
        return []
    heads = [column(words.say("review.gate"), 2), column(words.say("review.due")),
             column(words.say("review.asked"), 1), column(words.say("review.seen")),
             column(words.say("review.verdict"))]  # fmt: skip
    return [blocks.heading(words.say("review.gates_title")), blocks.table(heads, rows)]


def _measured(gate: Mapping[str, Any]) -> float | None:
    if gate["judged"] == "whole":
        return None if gate["whole"] is None else float(gate["whole"])
    return max((float(row["percent"]) for row in gate["observed"]), default=None)


def _patches(request: Request, review: Mapping[str, Any]) -> list[Block]:
    words = request.wording
    rows = []
    for one in review["patches"]:
        reasons = [rule_title(words, str(key)) for key in one["rules"]]
        if words.table["format.engine_sentences"] == "yes" and one["why"]:
            reasons = [_sentence(request, str(sentence)) for sentence in one["why"]]
        rows.append([
            bold(clean(str(one['patch']))),
            "–" if one["percent"] is None else f"{words.number(float(one['percent']), 0)}{NARROW}%",
            "–" if not one["date"] else words.day(str(one["date"])),
            words.say(f"actions.{one['action']}"),
            words.say("consent.yes") if one["treat"] else words.say("consent.no"),
            (" ".join(reasons) or "–") + request.cited(*_sources(one["rules"])),
        ])  # fmt: skip
    if not rows:
        return []
    heads = [column(words.say("columns.patch"), 1),
             column(words.say("columns.regrowth"), align="right"),
             column(words.say("review.read_on")), column(words.say("review.advice")),
             column(words.say("review.inject")), column(words.say("review.why"), 2)]  # fmt: skip
    drawn = head_views(request.patient, date.fromisoformat(str(review["on"])[:10]), words)
    return [blocks.heading(words.say("review.patches_title")), blocks.table(heads, rows),
            *([blocks.figures(drawn, 4, 76)] if drawn else [])]  # fmt: skip


def _chances(request: Request, review: Mapping[str, Any]) -> list[Block]:
    words = request.wording
    rows = [
        [
            words.known(f"gates.{gate['key']}", str(gate["title"])) if not index else "",
            words.known(f"plans.{one['plan']}", clean(str(one["plan"]))),
            _range(request, one, ("chance", "low", "high"), 1.0),
            _range(request, one, ("regrown", "least", "most"), 0.01),
        ]
        for gate in review["gates"]
        for index, one in enumerate(_different(gate["forecast"]))
    ]
    if not rows:
        return []
    heads = [column(words.say("review.gate"), 2), column(words.say("review.plan"), 1),
             column(words.say("review.chance"), align="right"),
             column(words.say("review.regrown"), align="right")]  # fmt: skip
    return [blocks.heading(words.say("review.chances_title")),
            blocks.paragraph(words.say("review.chances_note"), "small"),
            blocks.table(heads, rows)]  # fmt: skip


def _range(request: Request, row: Mapping[str, Any], names: Sequence[str], scale: float) -> str:
    middle, low, high = (scale * float(row[name]) for name in names)
    words = request.wording
    ends = f"{words.number(100 * low, 0)}–{words.number(100 * high, 0)}"
    return f"{bold(words.percent(middle))} ({ends})"


def _different(chances: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Chances by plan, without that of no treatment where a plan without sessions says the same."""
    others = [one for one in chances if one["plan"] != "untreated"]
    idle = [one for one in chances if one["plan"] == "untreated"]
    same = any((a["chance"], a["low"]) == (b["chance"], b["low"]) for a in idle for b in others)
    return others if same else [*others, *idle]


def _rules(request: Request, review: Mapping[str, Any]) -> list[Block]:
    from anagen.report.documents.terms import finding_words
    from anagen.report.ledger import grouped_findings
    from anagen.treatment import Finding

    words = request.wording
    found = [Finding.model_validate(one) if isinstance(one, Mapping) else one
             for one in review["findings"]]  # fmt: skip
    items = [
        f"{bold(words.say('severity.' + group.finding.severity) + ':')} "
        f"{finding_words(words, group.finding)}{request.cited(group.finding.source)}"
        for group in grouped_findings(found)
    ]
    if not items:
        return []
    return [blocks.heading(words.say("review.rules_title")), blocks.bullets(items, small=True)]


def _decision(request: Request) -> list[Block]:
    words = request.wording
    return [blocks.together(
        blocks.heading(words.say("review.decision_title")),
        blocks.checks([words.say(f"actions.{action}") for action in _ACTIONS], columns=5),
        blocks.blank(words.say("review.reason"), 3),
        blocks.signatures([words.say("sign.doctor"), words.say("sign.person")]),
    )]  # fmt: skip
