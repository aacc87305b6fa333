"""The console speaks German: nothing is left out, nothing is broken, the choice is kept."""

import json
import re
from functools import cache
from html import unescape
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from web_server import NUMBER

from anagen.web.console.catalogues import (
    brought_up,
    code_words,
    extracted,
    read_catalogue,
    untranslated,
)
from anagen.web.console.data_words import data_words
from anagen.web.console.island_texts import MODULES, island_texts, words_of
from anagen.web.console.texts import language_for, texts_of

_PLACE = re.compile(r"%\(\w+\)[sd]|\{\w+\}|%%")
_PERSON = f"/people/{NUMBER}"
# Words of forms and lists that a German page has no use for; "Plan" and "Name" are German too.
_ENGLISH = re.compile(
    r"\b(add|after|allergies|and|appointments?|atrophy|before|cancel|change|chance|consents?|day|"
    r"days|diseases|dose|drug|every|forecast|from|given|harms?|history|keep|medicines|needle|next|"
    r"new|none|notes?|nothing|of|open|patch|patches|people|photographs?|recorded|regrowth|review|"
    r"save|scalp|session|sessions|show|sign in|sign out|sites?|skin|strength|the|today|visits?|"
    r"weeks?|weight|what|when|why|with|without|years?|your)\b",
    re.IGNORECASE,
)
# What a glossary cites keeps its own language; machine words stand in code.
_KEPT = (r"(?s)<div popover.*?</div>", r"(?s)<code>.*?</code>", r"(?s)<script.*?</script>",
         "British Association of Dermatologists")  # fmt: skip


@cache
def wanted() -> Catalog:
    """All texts, read once."""
    return extracted()


@cache
def read_german() -> Catalog:
    """The German catalogue, read once."""
    return read_catalogue("de")


def forms(text: Any) -> tuple[str, ...]:
    """Singular and plural, or the one form."""
    return (text,) if isinstance(text, str) else tuple(text or ())


def shown(page: Any) -> str:
    """Words of a page, also those said to screen readers, without what keeps its language."""
    text = page.text
    for part in _KEPT:
        text = re.sub(part, " ", text)
    said = " ".join(re.findall(r'(?:aria-label|placeholder)="([^"]*)"', text))
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", text).split()) + " " + said)


def german(server: Any, name: str, address: str) -> Any:
    """Ask for a page as somebody who chose German."""
    cookie = server.sign_in(name)["Cookie"]
    return server.page(
        None, "GET", address, headers={"Cookie": f"{cookie}; anagen_language=de"}
    )  # fmt: skip


def test_every_text_has_german_words() -> None:
    assert untranslated("de") == []


def test_the_catalogue_is_up_to_the_templates() -> None:
    """Run ``python -m anagen.web.console.catalogues`` when this fails."""
    from anagen.web.console import catalogues

    assert brought_up("de") == catalogues._path("de").read_bytes()


def test_the_catalogue_says_nothing_of_when_or_where_it_was_made() -> None:
    head = brought_up("de").partition(b"\n\n")[0].decode()
    assert "Plural-Forms: nplurals=2; plural=(n != 1);" in head
    assert not re.search(r"\d{4}|FIRST|EMAIL|YEAR|Generated", head)


def test_a_translation_holds_the_values_of_its_text() -> None:
    """A value may be named in another order, but none is lost, added or spoilt."""
    wrong = []
    for message in read_catalogue("de"):
        if not message.id:
            continue
        meant = {tuple(sorted(_PLACE.findall(one))) for one in forms(message.id)}
        found = {tuple(sorted(_PLACE.findall(one))) for one in forms(message.string)}
        wrong += [message.id] if found != meant else []
    assert wrong == []


def test_plurals_have_both_forms() -> None:
    plurals = [one for one in read_catalogue("de") if not isinstance(one.id, str)]
    assert len(plurals) > 10
    assert all(len(forms(one.string)) == 2 and all(forms(one.string)) for one in plurals)


def test_texts_of_templates_can_be_written_out() -> None:
    """The templates write every text with ``%``, so that a per cent sign alone would break it."""
    for message in wanted():
        if not any(place.startswith("templates/") for place, _ in message.locations):
            continue
        known = read_german().get(message.id)
        for text in forms(known.string if known else None):
            rest = _PLACE.sub("", text)
            assert "%" not in rest, text


def test_texts_are_found_wherever_they_stand() -> None:
    found = {message.id for message in wanted()}
    assert ("%(num)s site", "%(num)s sites") in found
    assert "steroid in all [mg]" in found, "within a formatted string"
    assert {"front", "crown"} <= found, "one of two"
    assert "Today" in found, "from a table of pages"
    assert code_words("say(name)") == []


def test_no_words_stay_none() -> None:
    """A catalogue keeps its header under the empty text."""
    assert texts_of("de").text("") == ""


def test_words_of_records_and_evidence_are_translated() -> None:
    say = texts_of("de").text
    assert say("resolved with sequelae") == "abgeheilt mit Folgen"
    assert say("Start low, step up") == "Niedrig beginnen, steigern"
    assert say("on course") == "Die Behandlung liegt auf Kurs"
    assert all(say(word) for word in data_words())


@pytest.mark.parametrize("module", MODULES)
def test_islands_get_german_words(module: str) -> None:
    english, found = words_of(module), island_texts(texts_of("de"), module)
    assert len(english) > 20
    assert set(found) == set(english)
    same = {words for key, words in found.items() if words == english[key]}
    assert [words for words in same if len(_PLACE.sub("", words)) > len("Terminal")] == []


def test_long_words_of_an_island_are_whole() -> None:
    """They stand in several strings with plus signs between them."""
    assert words_of("hair/texts.js")["help"].endswith("0 goes back.")
    assert island_texts(texts_of("de"), "hair/texts.js")["help"].endswith("0 geht zurück.")


_PAGES = {
    "clinician": {
        "/": "Heute",
        "/people": "Personen",
        "/people/new": "Neue Person",
        f"{_PERSON}/visit": "Neue Vorstellung",
        f"{_PERSON}/treat": "Sitzung",
        f"{_PERSON}/plan": "Plan",
        f"{_PERSON}/review": "Überprüfung",
        f"{_PERSON}/documents": "Dokumente",
        f"{_PERSON}/background": "Anamnese",
        f"{_PERSON}/identity": "Name und Geburtsdatum",
        f"{_PERSON}/appointments": "Termine",
        f"{_PERSON}/consents": "Einwilligungen",
        f"{_PERSON}/events": "Unerwünschte Ereignisse",
        f"{_PERSON}/steroids": "Andere Steroide",
        f"{_PERSON}/photographs": "Fotos",
        f"{_PERSON}/notes": "Notizen",
        f"{_PERSON}/history": "Historie",
        f"{_PERSON}/hair": "Haar für Haar",
        "/explore": "Erkunden",
        "/account": "Ihr Konto",
    },
    "admin": {
        "/admin": "Verwaltung",
        "/admin/accounts/reader": "Reader",
        "/admin/audit": "Zugriffsprotokoll",
        "/admin/health": "Zustand",
        "/admin/settings": "Einstellungen",
    },
}


@pytest.mark.parametrize("name", _PAGES)
def test_pages_are_german_for_who_chose_it(sqlite_server: Any, name: str) -> None:
    cookie = sqlite_server.sign_in(name)["Cookie"] + "; anagen_language=de"
    left = {}
    for address, heading in _PAGES[name].items():
        page = sqlite_server.page(None, "GET", address, headers={"Cookie": cookie})
        assert page.status_code == 200, address
        assert '<html lang="de"' in page.text
        assert re.search(rf"<h1[^>]*>\s*{heading}\s*<", page.text), address
        left[address] = _ENGLISH.findall(shown(page))
    assert {address: words for address, words in left.items() if words} == {}


def test_a_person_is_shown_in_german(sqlite_server: Any) -> None:
    """What the rules say is composed in English; headings and labels are not."""
    page = german(sqlite_server, "clinician", _PERSON)
    parts = re.findall(r"(?s)<(?:h2|h3|dt|figcaption)[^>]*>(.*?)</", page.text)
    headings = [unescape(re.sub(r"<[^>]+>", "", one)).strip() for one in parts]
    assert {"Nächster Schritt", "Die Kopfhaut", "Steroid und Grenzen"} <= set(headings)
    assert [one for one in headings if _ENGLISH.search(one)] == []


def test_a_per_cent_sign_of_a_protocol_stays(sqlite_server: Any) -> None:
    """It is no place for a value: "less than 25 % regrowth" came out as "25 {}egrowth"."""
    signed = sqlite_server.sign_in("clinician")
    answer = sqlite_server.page(
        None, "POST", f"{_PERSON}/plan/preview",
        headers={"Cookie": f"{signed['Cookie']}; anagen_language=de"},
        data={"csrf": signed["X-CSRF-Token"], "protocol": "japan-limited-s1"},
    )  # fmt: skip
    assert "weniger als 25 % Nachwachsen" in unescape(answer.text)


def test_the_editor_gets_german_words_from_its_page(sqlite_server: Any) -> None:
    page = german(sqlite_server, "clinician", f"{_PERSON}/visit")
    given = re.search(r'<script type="application/json" id="model">(.*?)</script>', page.text)
    assert given is not None
    model = json.loads(given[1])
    assert model["texts"]["erase"] == "Radieren"
    meanings = {grade["meaning"] for scale in model["scales"] for grade in scale["grades"]}
    assert "kein Nachwachsen" in meanings
    assert "no regrowth" not in meanings


def test_the_choice_of_a_language_is_kept(sqlite_server: Any) -> None:
    answer = sqlite_server.page(
        None, "POST", "/preferences", data={"language": "de", "theme": "auto", "then": "/sign-in"}
    )
    kept = next(one for one in answer.headers.get_list("set-cookie") if "language" in one)
    assert kept.startswith("anagen_language=de;")
    assert "Max-Age=" in kept
    page = sqlite_server.page(
        None, "GET", "/sign-in",
        headers={"Cookie": kept.partition(";")[0], "Accept-Language": "en"},
    )  # fmt: skip
    assert "<h1>Anmelden</h1>" in page.text


def test_a_browser_set_to_german_is_answered_in_german(sqlite_server: Any) -> None:
    page = sqlite_server.page(None, "GET", "/sign-in", headers={"Accept-Language": "de-AT"})
    assert '<html lang="de"' in page.text
    assert language_for("xx", "en;q=0.1, de") == "de"
    assert language_for("en", "de") == "en"
