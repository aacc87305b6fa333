"""Help on a word: a button beside it, and what it means in a sheet that opens without a script."""

from dataclasses import dataclass, field

from markupsafe import Markup

from anagen.evidence.glossary import OWN, load_glossary
from anagen.evidence.references import load_references
from anagen.web.console.texts import Texts

_BUTTON = Markup(
    '<button type="button" class="term" popovertarget="term-{key}" aria-label="{words}">?</button>'
)
_SHEET = Markup(
    '<div popover id="term-{key}" class="term-sheet" role="dialog"'
    ' aria-labelledby="term-{key}-name">'
    '<h2 id="term-{key}-name">{name}</h2><p>{definition}</p><p class="help">{source}</p>'
    '<button type="button" popovertarget="term-{key}" popovertargetaction="hide">{close}</button>'
    "</div>"
)


@dataclass
class Helper:
    """Gives the buttons of one page and remembers which sheets it needs.

    Parameters
    ----------
    texts : of the reader; used : keys of the words asked for so far.
    """

    texts: Texts
    used: dict[str, None] = field(default_factory=dict)

    def __call__(self, key: str) -> Markup:
        """Button that opens the sheet of a word."""
        name = self.texts.text(load_glossary()[key].name)
        self.used[key] = None
        return _BUTTON.format(key=key, words=self.texts.text("What is this: %(name)s", name=name))

    def keep(self, *keys: str) -> str:
        """Have sheets ready for buttons that a later part of the page brings."""
        self.used |= dict.fromkeys(keys)
        return ""

    def sheets(self) -> Markup:
        """Sheets of all words that were asked for."""
        return Markup("\n").join(self._sheet(key) for key in self.used)

    def _sheet(self, key: str) -> Markup:
        term, say = load_glossary()[key], self.texts.text
        source = (
            say("A notion of this software.")
            if term.source == OWN
            else f"{say('Source')}: {load_references()[term.source]}"
        )
        return _SHEET.format(key=key, name=say(term.name), definition=say(term.definition),
                             source=source, close=say("Close"))  # fmt: skip
