"""The letter to the referring doctor after a visit."""

from typing import TYPE_CHECKING

from anagen.report.documents import blocks
from anagen.report.documents.blocks import Block, column
from anagen.report.documents.drawings import head_views, patch_areas
from anagen.report.documents.leaflet_figures import chance_rows, model_words
from anagen.report.documents.request import Request, needed
from anagen.report.documents.terms import drug_words, protocol_words
from anagen.report.documents.wording import NARROW, bold, clean

if TYPE_CHECKING:
    from anagen.patient import PatchSeen, SessionSummary, Visit
    from anagen.treatment import Session

_MOST_VISITS = 6
_LEAST_FOR_TREND = 2
_VIEWS = 4


def build(request: Request) -> list[Block]:
    """Gather the letter.

    Raises
    ------
    InputError
        When the record has no visit by the day of the letter.
    """
    from anagen.patient import latest_visit

    visit = latest_visit(request.patient, request.on)
    if visit is None:
        raise needed("patient.visits", "a visit on or before the day of the letter",
                     "Write down the visit first, or give another day.")  # fmt: skip
    words = request.wording
    seen = (words.say("letter.visit"), words.day(visit.date))
    return [
        blocks.beside(
            [blocks.blank(words.say("letter.to"), 3)],
            [blocks.facts([*request.identity, seen], 2)],
        ),
        blocks.paragraph(bold(words.say('letter.subject'))),
        blocks.paragraph(words.say("letter.greeting")),
        blocks.paragraph(words.say("letter.opening", day=words.day(visit.date))
                         + " " + _history(request)),
        *_summary(request, visit),
        *_findings(request, visit),
        *_done(request, visit),
        *_plan(request, visit),
        blocks.together(blocks.paragraph(words.say("letter.closing")),
                        blocks.signatures([words.say("sign.doctor")])),
    ]  # fmt: skip


def _history(request: Request) -> str:
    words, patient = request.wording, request.patient
    parts = []
    if patient.onset is not None:
        parts.append(words.say("letter.onset", day=words.day(patient.onset)))
    for name in ("recurrent", "family_history", "nail_changes", "atopy", "ophiasis"):
        if getattr(patient.history, name):
            parts.append(words.say(f"history.{name}"))
    for name in ("conditions", "medicines", "allergies"):
        found = getattr(patient, name)
        if found is not None:
            listed = words.join(map(clean, found)) or words.say("letter.none")
            parts.append(words.say(f"letter.{name}", names=listed))
    return " ".join(parts)


def _summary(request: Request, visit: "Visit") -> list[Block]:
    """Scores, in a row of facts, and their trend."""
    from anagen.patient.facts import salt_of
    from anagen.patient.timeline import visits_until

    words = request.wording
    pairs = _scores(request, visit)
    out: list[Block] = [blocks.heading(words.say("letter.findings_title"))]
    if pairs:
        out.append(blocks.facts(pairs, 4))
    past = [(one.date, salt) for one in visits_until(request.patient, visit.date)
            if (salt := salt_of(one)) is not None]  # fmt: skip
    if len(past) >= _LEAST_FOR_TREND:
        trend = ";  ".join(f"{words.day(day)}: {words.number(salt, 1)}"
                           for day, salt in past[-_MOST_VISITS:])  # fmt: skip
        out.append(blocks.paragraph(words.say("letter.trend", values=trend), "small"))
    return out


def _scores(request: Request, visit: "Visit") -> list[tuple[str, str]]:
    from anagen.evidence.scales import load_scales
    from anagen.patient.facts import salt_of

    words, cited = request.wording, request.cited
    pairs = []
    salt = salt_of(visit)
    if salt is not None:
        scale = load_scales().classes["s_class"]
        label = next((grade.label for grade in scale.grades if grade.holds(salt)), "")
        pairs.append((words.say("scores.salt") + cited("Olsen2004", "SALTSubclasses"),
                      f"{words.number(salt, 1)} ({label})"))  # fmt: skip
    if visit.aa_scale is not None:
        pairs.append((words.say("scores.aa_scale") + cited("AAScale2022"),
                      words.say(f"grades.{visit.aa_scale}")))  # fmt: skip
    pull = visit.pull_test_hairs
    if pull is not None:
        pairs.append((words.say("scores.pull") + cited("HairPullNew"), words.number(pull)))
    for name, top in (("dermatology_life_quality", 30), ("pain_last_session", 10)):
        value = getattr(visit, name)
        if value is not None:
            pairs.append(
                (words.say(f"scores.{name}"), words.say("sheet.of", number=value, count=top))
            )
    if visit.morning_cortisol_nmol_per_L is not None:
        pairs.append((words.say("scores.cortisol"),
                      words.amount(visit.morning_cortisol_nmol_per_L, "nmol/L", 0)))  # fmt: skip
    return pairs


def _findings(request: Request, visit: "Visit") -> list[Block]:
    from anagen.patient import latest_patches

    words = request.wording
    patches = latest_patches(request.patient, visit.date)
    areas = patch_areas(request.patient, visit.date)
    rows = [_patch_row(request, seen, areas.get(name)) for name, seen in patches.items()]
    names = ("patch", "area", "activity", "regrowth", "pull", "skin")
    right = {"area", "regrowth", "pull"}
    heads = [column(words.say(f"columns.{name}"), 2 if name in {"patch", "skin"} else 0,
                    "right" if name in right else "left") for name in names]  # fmt: skip
    out: list[Block] = [blocks.table(heads, rows)] if rows else []
    drawn = head_views(request.patient, visit.date, words, _VIEWS)
    if drawn:
        out.append(blocks.figures(drawn, _VIEWS, 72))
    if visit.signs:
        out.append(
            blocks.paragraph(words.say("letter.signs", names=words.join(map(clean, visit.signs))))
        )
    if visit.adverse_events:
        found = words.join(map(clean, visit.adverse_events))
        out.append(blocks.callout(words.say("letter.events", names=found), "warn"))
    if visit.note:
        out.append(blocks.paragraph(words.say("letter.note", note=clean(visit.note))))
    return out


def _patch_row(request: Request, seen: "PatchSeen", area: float | None) -> list[str]:
    from anagen.patient.timeline import regrowth_percent

    words = request.wording
    regrown = regrowth_percent(seen)
    skin = [
        words.say("letter.grade", name=words.say(f"skin.{name}"), grade=grade)
        for name in ("atrophy_grade", "telangiectasia_grade", "colour_change_grade")
        if (grade := getattr(seen, name))
    ]
    if seen.infection:
        skin.append(words.say("letter.infection", name=clean(seen.infection)))
    if seen.blocked:
        skin.append(words.say("letter.blocked", why=clean(seen.blocked)))
    site = "" if seen.site == "scalp" else f" ({words.say(f'places.{seen.site}')})"
    looked = [
        getattr(seen, name)
        for name in ("atrophy_grade", "telangiectasia_grade", "colour_change_grade")
    ]
    normal = words.say("letter.normal") if any(grade == 0 for grade in looked) else "–"
    return [
        f"{bold(clean(seen.id))}{site}",
        "–" if area is None else words.amount(area, "cm2", 1),
        words.say(f"activity.{seen.activity}") if seen.activity else "–",
        "–" if regrown is None else f"{words.number(regrown, 0)}{NARROW}%",
        "–" if seen.pull_test_hairs is None else words.number(seen.pull_test_hairs),
        ", ".join(skin) or normal,
    ]  # fmt: skip


def _done(request: Request, visit: "Visit") -> list[Block]:
    from anagen.patient import cumulative_steroid_mg

    words, patient = request.wording, request.patient
    days = {visit.date, request.on}
    given: list[Session | SessionSummary] = [one for one in patient.sessions if one.date in days]
    given += [one for one in patient.session_summaries if one.date in days]
    out: list[Block] = [blocks.heading(words.say("letter.done_title"))]
    if not given:
        planned = request.plan is not None and any(
            session.date == visit.date for session in request.plan.sessions
        )
        text = "letter.planned_not_given" if planned else "letter.nothing_given"
        out.append(blocks.paragraph(words.say(text)))
    for one in given:
        out += _session(request, one)
    total = cumulative_steroid_mg(patient, visit.date)
    if total > 0:
        year = cumulative_steroid_mg(patient, visit.date, 365.0)
        out.append(blocks.paragraph(words.say("letter.cumulative", year=words.amount(year, "mg", 1),
                                              total=words.amount(total, "mg", 1))))  # fmt: skip
    return out


def _session(request: Request, session: "Session | SessionSummary") -> list[Block]:
    from anagen.patient.record import SessionSummary

    words = request.wording
    if isinstance(session, SessionSummary):
        products, strengths = [session.product], [session.strength_mg_per_mL]
        doses = [(row.patch or "–", row.sites, row.dose_mg) for row in session.patches]
    else:
        products = list(dict.fromkeys(site.product for site in session.injections))
        strengths = list(session.strengths)
        by_patch: dict[str, tuple[int, float]] = {}
        for site in session.injections:
            if site.status != "skipped":
                count, dose = by_patch.get(site.patch or "–", (0, 0.0))
                by_patch[site.patch or "–"] = (count + 1, dose + site.dose_mg)
        doses = [(name, count, dose) for name, (count, dose) in by_patch.items()]
    known = words.join(words.number(s) for s in strengths if s is not None)
    drug = words.join(drug_words(words, product) for product in products)
    if known:
        drug += f" {known}{NARROW}{words.known('units.mg/mL', 'mg/mL')}"
    volume = "" if session.total_mL is None else f"{words.amount(session.total_mL, 'mL')}, "
    text = words.say("letter.given", drug=drug, sites=session.sites,
                     amount=volume + words.amount(session.total_mg, "mg"))  # fmt: skip
    parts = [words.say("letter.given_patch", patch=clean(name), sites=sites,
                       dose=words.amount(dose, "mg")) for name, sites, dose in doses]  # fmt: skip
    comfort = [words.say(f"comfort.{name}") for name in session.comfort]
    if len(parts) > 1:
        text += " " + words.say("letter.by_patch", parts="; ".join(parts))
    if comfort:
        text += " " + words.say("sheet.comfort", names=words.join(comfort))
    return [blocks.paragraph(text)]


def _plan(request: Request, visit: "Visit") -> list[Block]:
    words, plan = request.wording, request.plan
    ahead = [s for s in plan.sessions if s.date > visit.date] if plan is not None else []
    out: list[Block] = [blocks.heading(words.say("letter.plan_title"))]
    if plan is None:
        out.append(blocks.blank(words.say("letter.plan_blank"), 2))
    elif not ahead:
        out.append(blocks.paragraph(words.say("letter.no_session")))
    else:
        drugs = words.join(dict.fromkeys(
            f"{drug_words(words, site.product)} {words.amount(site.strength_mg_per_mL, 'mg/mL')}"
            for session in ahead for site in session.injections))  # fmt: skip
        out.append(blocks.paragraph(words.say(
            "letter.plan", protocol=protocol_words(words, plan.protocol), count=len(ahead),
            drug=drugs,
            days="; ".join(words.day(session.date) for session in ahead),
            dose=words.amount(sum(session.total_mg for session in ahead), "mg"))))  # fmt: skip
    out += _gates(request)
    rows = chance_rows(request.forecast)
    if rows:
        week, treated, idle = rows[min(1, len(rows) - 1)]
        out.append(blocks.paragraph(words.say(
            "letter.forecast", week=week, treated=_chance(request, treated),
            untreated=_chance(request, idle), **model_words(request.forecast))))  # fmt: skip
    if ahead:
        out.append(blocks.paragraph(words.say("letter.next", day=words.day(ahead[0].date))))
    else:
        out.append(blocks.blank(words.say("letter.next_blank"), 1))
    return out


def _gates(request: Request) -> list[Block]:
    words, plan = request.wording, request.plan
    gates = [g for g in plan.gates if g.at_least is not None] if plan is not None else []
    if not gates:
        return []
    parts = [words.say("letter.gate", week=words.number(gate.week),
                       least=words.number(gate.at_least or 0.0, 0)) + request.cited(gate.source)
             for gate in gates]  # fmt: skip
    return [blocks.paragraph(words.say("letter.gates", parts=words.join(parts)))]


def _chance(request: Request, found: "dict[str, float]") -> str:
    words = request.wording
    return (f"{words.percent(found['value'])} ({words.number(100 * found['low'], 0)}–"
            f"{words.number(100 * found['high'], 0)})")  # fmt: skip
