"""Where the needle goes: the views of the head that show sites, and every patch enlarged."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from anagen.patient import Patient
from anagen.scalp.views import VIEWS
from anagen.treatment.injections import Plan, Session
from anagen.web.console.plan_drawing import CloseUp, close_ups, seen_in
from anagen.web.console.scalp_pictures import Drawn, Look, head_of, view_picture
from anagen.web.console.texts import Texts

if TYPE_CHECKING:
    from anagen.scalp import Scalp

_DRAWING = "plan"


@dataclass(frozen=True)
class Pictures:
    """Pictures of one session.

    Parameters
    ----------
    views : the head from where sites are seen, as (name, picture); closes : patches enlarged.
    """

    views: tuple[tuple[str, Markup], ...]
    closes: tuple[CloseUp, ...]


def pictures_of(
    patient: Patient, plan: Plan, session: int, texts: Texts, *, movable: bool = True
) -> Pictures:
    """Draw a session of a plan.

    Parameters
    ----------
    patient : whose head and patches; plan : with the session, counted from 0.
    texts : in the reader's language.
    movable : whether sites of the first session can be moved by hand.
    """
    if session >= len(plan.sessions):
        return Pictures((), ())
    return session_pictures(
        patient, plan.sessions[session], texts, movable=movable and session == 0
    )


def session_pictures(
    patient: Patient, session: Session, texts: Texts, *, movable: bool = False
) -> Pictures:
    """Draw a session; see `pictures_of`."""
    from anagen.patient.timeline import patch_shapes

    head = head_of(patient.head_circumference_mm)
    shapes = patch_shapes(patient, session.date)
    scalp = _scalp(patient, any(shape.masks for shape in shapes.values()))
    places = tuple(site.location for site in session.injections)
    drawn = [Drawn(_DRAWING, shapes, places)]
    looks = {name: Look(None) for name in shapes}
    names = {"top": texts.text("From above"), "back": texts.text("From behind"),
             "left": texts.text("Left side"), "right": texts.text("Right side")}  # fmt: skip
    views = tuple(
        (names[view], view_picture(head, view, names[view], drawn, _DRAWING, looks, scalp))
        for view in VIEWS if seen_in(head, view, session.injections)
    )  # fmt: skip
    closes = close_ups(head, shapes, session.injections, texts, movable=movable, scalp=scalp)
    return Pictures(views, closes)


def _scalp(patient: Patient, is_needed: bool) -> "Scalp | None":
    """Grid of the head, which only a mask needs."""
    if not is_needed:
        return None
    from anagen.patient.drawings import patient_scalp

    return patient_scalp(patient)
