"""The consent form: what a person agrees to, item by item, with room to sign."""

import string

from anagen.report.documents import blocks
from anagen.report.documents.blocks import Block
from anagen.report.documents.figures_published import (
    atrophy_at,
    of_hundred,
    plain_figure,
    published,
)
from anagen.report.documents.request import Request
from anagen.report.documents.terms import drug_words

_ADULT = 18
_DARKER = 4
_SHARES = {
    "no_response": "no_response",
    "relapse_short": "relapse_6_months",
    "relapse_long": "relapse_1_to_3_years",
    "natural_half": "natural_26_weeks",
    "natural_year": "natural_52_weeks",
}
_FIGURES = {
    "colour_weeks": ("pigment_late", ""),
    "pain": ("pain_occurs", ""),
    "vibration": ("pain_vibration", ""),
    "cortisol": ("cortisol_5_mg", "%"),
}
_SOURCES = {
    "off_label": ("Glos_NHS", "SmPCAdcortyl"),
    "recovers": ("SkinUltrasoundTA",),
    "anaphylaxis": ("KenalogLabel",),
    "eye": ("CorticosteroidAmaurosis",),
    "headache": ("Glos_NHS",),
    "pregnancy": ("DrugsComPregnancy", "Glos_NHS"),
    "new_patches": ("Rajan2020",),
    "vessels": ("Rajan2020",),
    "bone": ("Samrao2013",),
}


def build(request: Request) -> list[Block]:
    """Gather the form; with a plan it speaks of that plan, else of the treatment."""
    words = request.wording
    return [
        blocks.facts(request.identity, 4),
        blocks.paragraph(words.say("consent.lead")),
        blocks.heading(words.say("consent.what_title")),
        blocks.paragraph(_proposal(request)),
        blocks.heading(words.say("consent.items_title")),
        blocks.paragraph(words.say("consent.items_lead"), "small"),
        blocks.checks(_items(request)),
        blocks.heading(words.say("consent.choices_title")),
        blocks.choices([words.say(key) for key in words.section("choices")],
                       [words.say("consent.yes"), words.say("consent.no")]),
        blocks.together(blocks.heading(words.say("consent.questions_title")), blocks.blank("", 4)),
        blocks.together(
            blocks.heading(words.say("consent.sign_title")),
            blocks.paragraph(words.say("consent.sign_lead")),
            blocks.signatures(_signers(request)),
        ),
    ]  # fmt: skip


def _signers(request: Request) -> list[str]:
    from anagen.patient import age_on

    age = age_on(request.patient, request.on)
    names = ["person", *(["guardian"] if age is not None and age < _ADULT else []), "doctor"]
    return [request.wording.say(f"sign.{name}") for name in (*names, "interpreter")]


def _proposal(request: Request) -> str:
    words, plan = request.wording, request.plan
    sites = [site for session in plan.sessions for site in session.injections] if plan else []
    if plan is None or not sites:
        return words.say("consent.proposal_open")
    drugs = words.join(dict.fromkeys(
        f"{drug_words(words, site.product)} {words.amount(site.strength_mg_per_mL, 'mg/mL')}"
        for site in sites))  # fmt: skip
    counts = [session.sites for session in plan.sessions if session.sites]
    return words.say("consent.proposal", drug=drugs, count=len(plan.sessions), sites=max(counts),
                     first=words.day(plan.sessions[0].date),
                     dose=words.amount(plan.total_mg, "mg"))  # fmt: skip


def _items(request: Request) -> list[str]:
    words = request.wording
    darker = request.patient.skin_type is not None and request.patient.skin_type >= _DARKER
    keys = [key for key in words.section("items") if darker or key != "items.darker_skin"]
    return [words.say(key, **_values(request, words.table[key])) for key in keys]


def _values(request: Request, text: str) -> dict[str, str]:
    """Values of the names in a text, asked for as they come: so sources are numbered in order."""
    names = [name for _, name, _, _ in string.Formatter().parse(text) if name]
    return {name: _value(request, name) for name in names}


def _value(request: Request, name: str) -> str:
    words, cited = request.wording, request.cited
    if name == "atrophy":
        return _atrophy(request)
    if name in _SHARES:
        return of_hundred(published(_SHARES[name]), words, cited)
    if name in _FIGURES:
        claim, unit = _FIGURES[name]
        return plain_figure(published(claim), words, cited, unit)
    return cited(*_SOURCES[name])


def _atrophy(request: Request) -> str:
    words = request.wording
    strengths = [site.strength_mg_per_mL
                 for session in (request.plan.sessions if request.plan else ())
                 for site in session.injections]  # fmt: skip
    return "; ".join(
        words.say("consent.at_strength", strength=words.amount(strength, "mg/mL"),
                  people=of_hundred(figure, words, request.cited))
        for strength, figure in atrophy_at(max(strengths) if strengths else None))  # fmt: skip
