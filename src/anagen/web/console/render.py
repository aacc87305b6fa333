"""Rendering pages: one environment of templates, one set of things every page knows."""

import re
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Any

from fastapi import Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from anagen._version import __version__
from anagen.clinic.permissions import Actor
from anagen.clinic.sign_in import csrf_token
from anagen.web.console.glossary import Helper
from anagen.web.console.texts import LANGUAGES, Texts, language_for, texts_of
from anagen.web.guard import cookie_of

LANGUAGE_COOKIE, THEME_COOKIE = "anagen_language", "anagen_theme"
THEMES = ("auto", "light", "dark")

# No request leaves the machine; nothing is run or styled but what the server serves.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "manifest-src 'self'; worker-src 'self'"
)

# Pages of the head of the page: address, words, permission.
NAVIGATION = (
    ("/", "Today", "record:read"),
    ("/people", "People", "record:read"),
    ("/explore", "Explore", "compute"),
    ("/evidence", "Evidence", "settings:read"),
    ("/admin", "Administration", "accounts:manage"),
)

_STYLE = re.compile(r' style="([^"]*)"')
_DECLARATION = re.compile(r"\s*([a-z-]+)\s*:\s*([^;]+?)\s*(?:;|$)")


@cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("anagen.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    texts = texts_of(language)
    environment.install_gettext_translations(texts.translations, newstyle=True)  # type: ignore[attr-defined]
    environment.filters.update(
        day=texts.day, hour=texts.hour, moment=texts.moment, number=texts.number,
        percent=texts.percent, translated=texts.text,
    )  # fmt: skip
    environment.globals.update(asset=asset, version=__version__, languages=LANGUAGES,
                               themes=THEMES)  # fmt: skip
    return environment


def page(request: Request, template: str, status: int = 200, /, **context: Any) -> Response:
    """Render a page.

    Parameters
    ----------
    request : that it answers.
    template : name of the file in ``web/templates``.
    status : of HTTP.
    context : what the template shows.
    """
    texts = texts_for(request)
    actor: Actor | None = getattr(request.state, "actor", None)
    secret = cookie_of(request) if actor is not None and actor.sign_in else None
    theme = request.cookies.get(THEME_COOKIE, "auto")
    words = _environment(texts.language).get_template(template).render(
        actor=actor,
        csrf=csrf_token(request.app.state.store, secret) if secret else "",
        navigation=[(address, name) for address, name, permission in NAVIGATION
                    if actor is not None and permission in actor.permissions],
        here=request.url.path,
        language=texts.language,
        theme=theme if theme in THEMES else "auto",
        term=Helper(texts),
        clinic_name=context.pop("clinic_name", None) or _clinic_name(request),
        **context,
    )  # fmt: skip
    return Response(
        words, status, media_type="text/html",
        headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-store"},
    )  # fmt: skip


def texts_for(request: Request) -> Texts:
    """Texts in the language of the reader."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    return texts_of(language_for(chosen, request.headers.get("Accept-Language", "")))


def inline_svg(text: str) -> Markup:
    """Drawing to stand in a page whose policy allows no style attributes.

    Examples
    --------
    >>> inline_svg('<path style="fill: none; stroke: #fff"/>')
    Markup('<path fill="none" stroke="#fff"/>')
    """

    def attributes(found: re.Match[str]) -> str:
        pairs = _DECLARATION.findall(found[1])
        return "".join(f' {name}="{value}"' for name, value in pairs)

    return Markup(_STYLE.sub(attributes, text))


@cache
def asset(name: str) -> str:
    """Address of a static file; it changes with the content, so that browsers may keep it."""
    raw = resources.files("anagen.web").joinpath("static", *name.split("/")).read_bytes()
    return f"/static/{name}?v={sha256(raw).hexdigest()[:10]}"


def _clinic_name(request: Request) -> str:
    from anagen.clinic.settings import setting

    return setting(request.app.state.store, "clinic_name").value
