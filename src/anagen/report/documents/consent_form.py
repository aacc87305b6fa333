"""The consent form: what a person agrees to, item by item, with room to sign."""

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
from anagen.report.documents.wording import NARROW

_ADULT = 18
_DARKER = 4


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
        blocks.heading(words.say("consent.questions_title")),
        blocks.blank("", 3),
        blocks.heading(words.say("consent.sign_title")),
        blocks.paragraph(words.say("consent.sign_lead")),
        blocks.signatures(_signers(request)),
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
    each = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)}–{max(counts)}"
    return words.say("consent.proposal", drug=drugs, count=len(plan.sessions), sites=each,
                     first=words.day(plan.sessions[0].date),
                     dose=words.amount(plan.total_mg, "mg"))  # fmt: skip


def _items(request: Request) -> list[str]:
    words, cited = request.wording, request.cited
    strengths = [site.strength_mg_per_mL for session in (request.plan.sessions if request.plan else ())
                 for site in session.injections]  # fmt: skip
    found = atrophy_at(max(strengths) if strengths else None)
    atrophy = "; ".join(
        words.say("consent.at_strength", strength=words.amount(strength, "mg/mL"),
                  people=of_hundred(figure, words, cited)) for strength, figure in found)  # fmt: skip

    def share(key: str) -> str:
        return of_hundred(published(key), words, cited)

    values = {
        "off_label": cited("Glos_NHS", "SmPCAdcortyl"),
        "no_response": share("no_response"),
        "atrophy": atrophy,
        "recovers": cited("SkinUltrasoundTA"),
        "colour_weeks": plain_figure(published("pigment_late"), words, cited),
        "relapse_short": share("relapse_6_months"),
        "relapse_long": share("relapse_1_to_3_years"),
        "pain": plain_figure(published("pain_occurs"), words, cited),
        "vibration": plain_figure(published("pain_vibration"), words, cited),
        "natural_half": share("natural_26_weeks"),
        "natural_year": share("natural_52_weeks"),
        "cortisol": plain_figure(published("cortisol_5_mg"), words, cited, "%"),
        "anaphylaxis": cited("KenalogLabel"),
        "eye": cited("CorticosteroidAmaurosis"),
        "headache": cited("Glos_NHS"),
        "pregnancy": cited("DrugsComPregnancy", "Glos_NHS"),
        "new_patches": cited("Rajan2020"),
        "vessels": cited("Rajan2020"),
    }
    keys = words.section("items")
    darker = request.patient.skin_type is not None and request.patient.skin_type >= _DARKER
    if not darker:
        keys = [key for key in keys if key != "items.darker_skin"]
    return [words.say(key, **values).replace(" %", f"{NARROW}%") for key in keys]
