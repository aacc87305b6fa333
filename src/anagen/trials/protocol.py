"""The protocol of a virtual trial: who, which arms, when seen, what counts; plain frozen data.

Times are in weeks from randomisation unless a name says otherwise. Only what a number can be at all
is bounded here; what contradicts itself or a rule of treatment is found by `anagen.trials.lint`, so
that everything wrong with a protocol is told at once.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from anagen.patient.quantities import Text, Word, refusal, shorten
from anagen.population.condition_data import load_condition_data
from anagen.treatment.protocols import load_protocol

Design = Literal["parallel", "within"]
Unit = Literal["patient", "patch", "quadrant"]
Measure = Literal[
    "regrowth", "hair_share", "terminal_share", "salt", "atrophy", "relapse", "time_to_regrowth"
]
Direction = Literal["higher", "lower"]

NO_INJECTION = "none"
"""Product of an arm that is not even pricked."""

MOST_HORIZON = 260
"""Weeks for which a forecast looks ahead at most."""

BETTER: Mapping[Measure, Direction] = MappingProxyType(
    {
        "regrowth": "higher",
        "hair_share": "higher",
        "terminal_share": "higher",
        "salt": "lower",
        "atrophy": "lower",
        "relapse": "lower",
        "time_to_regrowth": "lower",
    }
)
"""Which direction of a measure is the better one, unless an endpoint says otherwise."""

_USUAL = "scalp-standard-5"  # the named protocol whose volume, spacing and depth are the defaults
_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")

# Far beyond every meaning, so that no arithmetic on a number that the lint refuses overflows.
_MOST = 1e6
_MOST_SESSIONS = 10_000
_MOST_PEOPLE = 100_000_000  # as many as can be drawn (`population.settings.MOST_PEOPLE`)
_MOST_ENTRIES = 200  # arms, visits or endpoints; more cannot be read
_MOST_SEED = 2**63 - 1


def _slug(text: str) -> str:
    if not _KEY.fullmatch(text):
        raise refusal("small letters, digits and '-', at most 63", shorten(text),
                      "Write for example 'five-against-ten'.")  # fmt: skip
    return text


Key = Annotated[str, AfterValidator(_slug)]
Number = Annotated[float, Field(ge=-_MOST, le=_MOST, allow_inf_nan=False)]
Sessions = Annotated[int, Field(ge=-_MOST_SESSIONS, le=_MOST_SESSIONS)]
Names = Annotated[tuple[Word, ...], Field(max_length=_MOST_ENTRIES)]


@lru_cache(maxsize=1)
def _usual() -> Mapping[str, float]:
    protocol = load_protocol(_USUAL)
    return {
        "volume_mL": protocol.volume_mL,
        "spacing_mm": protocol.layout.spacing_mm,
        "depth_mm": protocol.depth_mm,
    }


class Table(BaseModel):
    """A table of the file: frozen, every field known, with where its numbers come from.

    Parameters
    ----------
    source : key in ``references.bib``, or in words, for the numbers of this table.
    assumed : names of the fields of this table that no source gives.
    note : what a reader must know.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    source: Annotated[Text, Field(description="Where the numbers of this table come from.")] = ""
    assumed: Annotated[Names, Field(description="Fields of this table that no source gives.")] = ()
    note: Text = ""


class Range(BaseModel):
    """Lowest and highest value that is taken, both included; None leaves that end open.

    Examples
    --------
    >>> Range(low=18).high is None
    True
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    low: Number | None = None
    high: Number | None = None


class Eligibility(Table):
    """Who is taken.

    Parameters
    ----------
    setting : named kind of people, see `anagen.population.settings.setting_names`.
    age : [year]; duration_weeks : present episode [week]; patch_diameter_mm : of the patch that is
        studied [mm]; patches : how many; salt : [%]. None takes whom the setting takes.
    """

    setting: Word = "localized"
    age: Range | None = Field(None, description="Years.")
    duration_weeks: Range | None = Field(None, description="Present episode, weeks.")
    patch_diameter_mm: Range | None = Field(None, description="Patch that is studied, mm.")
    patches: Range | None = Field(None, description="How many patches.")
    salt: Range | None = Field(None, description="SALT, percent.")


class Step(BaseModel):
    """Another strength from a reading on: given when regrowth is below a share.

    Parameters
    ----------
    week : of the visit that decides; its own session already has the new strength.
    if_regrowth_below : share of the patch regrown [1].
    strength_mg_per_mL : from then on [mg/mL].
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    week: Number
    if_regrowth_below: Number
    strength_mg_per_mL: Number  # noqa: N815 - unit symbol


class Stop(BaseModel):
    """A gate: no further session, for failure or for success.

    Parameters
    ----------
    week : of the visit that decides; its own session is no longer given.
    if_regrowth_below, if_regrowth_at_least : share of the patch regrown [1]; exactly one is given.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    week: Number
    if_regrowth_below: Number | None = None
    if_regrowth_at_least: Number | None = None


class Guided(Table):
    """Strength and interval chosen for each person by the individual forecast.

    The first session is that of the treatment. At every later one that the person comes to, after a
    reading, the forecast tells for each choice the chance to reach the target, from this person's
    readings so far, as though the choice held for all sessions that are left. The least strength
    with enough chance is given, and of that strength the longest interval; when none has enough,
    the choice with the greatest chance. Gates and rescue of the arm come first.

    Parameters
    ----------
    strengths_mg_per_mL : choices [mg/mL].
    interval_weeks : choices [week], whole ones; empty keeps the interval of the treatment.
    target : regrowth that is wanted, share of the patch [1].
    horizon_weeks : when it is wanted [week].
    horizon_from : whether the horizon counts from each decision anew, or from the start.
    enough_chance : chance to reach the target that is enough [1]; from a half on it is reached
        likelier than not.
    """

    strengths_mg_per_mL: Annotated[tuple[Number, ...], Field(max_length=_MOST_ENTRIES)]  # noqa: N815 - unit symbol
    interval_weeks: Annotated[tuple[Number, ...], Field(max_length=_MOST_ENTRIES)] = ()
    target: Number
    horizon_weeks: Number
    horizon_from: Literal["decision", "start"] = "decision"
    enough_chance: Number = 0.5


class Treatment(Table):
    """What is injected, and when.

    Parameters
    ----------
    product : key in ``products.toml``; ``none`` for no injection at all.
    strength_mg_per_mL : [mg/mL]; 0 is saline: needle and fluid without the drug.
    volume_mL : at each site [mL]; spacing_mm : between sites; depth_mm : of the needle tip; the
        usual ones of the scalp unless given.
    interval_weeks : between sessions; the first is at week 0.
    sessions : how many, if nothing stops them.
    steps : adaptive strength, each at most once, in the order of their weeks.
    stops : gates.
    guided : dose by the individual forecast.

    Examples
    --------
    >>> monthly = Treatment(strength_mg_per_mL=5, interval_weeks=4, sessions=3)
    >>> session_weeks(monthly), monthly.volume_mL
    ((0.0, 4.0, 8.0), 0.1)
    """

    product: Word = "ta10"
    strength_mg_per_mL: Number  # noqa: N815 - unit symbol
    volume_mL: Number = Field(default_factory=lambda: _usual()["volume_mL"])  # noqa: N815 - unit symbol
    spacing_mm: Number = Field(default_factory=lambda: _usual()["spacing_mm"])
    depth_mm: Number = Field(default_factory=lambda: _usual()["depth_mm"])
    interval_weeks: Number
    sessions: Sessions
    steps: Annotated[tuple[Step, ...], Field(max_length=_MOST_ENTRIES)] = ()
    stops: Annotated[tuple[Stop, ...], Field(max_length=_MOST_ENTRIES)] = ()
    guided: Guided | None = None


class Rescue(Table):
    """A second course for those who fail, in place of what is left of their own.

    Product, volume and sites are those of the arm.

    Parameters
    ----------
    week : of the visit that decides, and of the first session of the rescue.
    if_regrowth_below : share of the patch regrown [1].
    strength_mg_per_mL, interval_weeks, sessions : of the second course.
    """

    week: Number
    if_regrowth_below: Number
    strength_mg_per_mL: Number  # noqa: N815 - unit symbol
    interval_weeks: Number
    sessions: Sessions


class Arm(BaseModel):
    """One arm.

    Parameters
    ----------
    key, name : for results and for people.
    treatment : what is done.
    ratio : of allocation; a parallel arm has ``people * ratio`` people.
    rescue : for those who fail; None for none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    key: Key
    name: Word
    treatment: Treatment
    ratio: Number = 1.0
    rescue: Rescue | None = None


class Visit(BaseModel):
    """A visit at which patches are read.

    Parameters
    ----------
    week : when it is due.
    window_days : how many days earlier or later it may be held [day].
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    week: Number
    window_days: Number = 0.0


class Endpoint(Table):
    """What counts.

    Parameters
    ----------
    key : for results.
    measure : ``regrowth``, ``hair_share`` and ``terminal_share`` of the patch [1], ``salt`` [%],
        ``atrophy`` (loss of thickness in the thinnest part of the patch [1]; without a threshold
        whether it is seen, by the model of who shows it), ``relapse`` by the week,
        ``time_to_regrowth`` (weeks until the threshold of regrowth; who never reaches it by the
        week is censored).
    scale : key in ``scales.toml`` on which it is read; None reads the number itself.
    threshold : what makes a person a responder; None compares means.
    week : of the visit at which it is read, or until which is waited.
    primary : whether the trial is judged by it.
    direction : which direction is better; with a threshold, on which side of it success lies.

    Examples
    --------
    >>> Endpoint(key="half", measure="regrowth", threshold=0.5, week=12).direction
    'higher'
    """

    key: Key
    measure: Measure
    scale: Word | None = None
    threshold: Number | None = None
    week: Number
    primary: bool = False
    direction: Direction = Field(
        default_factory=lambda found: BETTER[found["measure"]] if "measure" in found else "higher"
    )


class Conduct(Table):
    """How the trial is held: readings with error, visits missed, people lost.

    Parameters
    ----------
    raters : who read every patch independently; their mean counts.
    rater_error : standard deviation of one reading of regrowth at half regrowth, share of the
        patch [1]; that of published readers unless given.
    missed_visit : chance that a visit is missed [1].
    dropout_per_week : chance to leave in a week [1].
    dropout_if_poor : by how much a regrowth under a quarter multiplies the odds to leave [1].
    session_window_days : how many days earlier or later a session may be held [day].
    """

    raters: Sessions = 1
    rater_error: Number = Field(default_factory=lambda: load_condition_data().value("reader"))
    missed_visit: Number = 0.0
    dropout_per_week: Number = 0.0
    dropout_if_poor: Number = 1.0
    session_window_days: Number = 0.0


class Protocol(Table):
    """A virtual trial.

    Parameters
    ----------
    schema_version : of the file.
    key : name of the protocol, for results and commands.
    title, question : for people.
    source : published design (key in ``references.bib``), or ``assumed``.
    design : ``parallel``, people are randomised to arms; ``within``, every person gets all arms.
    unit : what is randomised; ``patient`` in parallel, ``patch`` or ``quadrant`` within.
    people : in parallel in an arm of ratio 1, within in all.
    eligibility, arms, visits, endpoints, conduct : the parts.
    stratify : covariates by which randomisation is stratified.
    follow_up_weeks : how long people are seen after the last session of the arm that ends last.
    seed : of the random numbers unless a run names another.
    """

    schema_version: Literal[1] = 1
    key: Key
    title: Word
    question: Text
    source: Annotated[Word, Field(description="Published design, or 'assumed'.")]
    design: Design
    unit: Unit
    people: Annotated[int, Field(ge=-_MOST_PEOPLE, le=_MOST_PEOPLE)]
    eligibility: Eligibility = Eligibility()
    arms: Annotated[tuple[Arm, ...], Field(max_length=_MOST_ENTRIES)] = ()
    visits: Annotated[tuple[Visit, ...], Field(max_length=_MOST_ENTRIES)] = ()
    endpoints: Annotated[tuple[Endpoint, ...], Field(max_length=_MOST_ENTRIES)] = ()
    conduct: Conduct = Field(default_factory=Conduct)
    stratify: Names = ()
    follow_up_weeks: Number
    seed: Annotated[int, Field(ge=0, le=_MOST_SEED)] = 0


def is_untreated(treatment: Treatment) -> bool:
    """Whether nothing is injected at all."""
    return treatment.product == NO_INJECTION


def is_saline(treatment: Treatment) -> bool:
    """Whether needle and fluid are given without the drug.

    Examples
    --------
    >>> is_saline(Treatment(strength_mg_per_mL=0, interval_weeks=4, sessions=3))
    True
    """
    return not is_untreated(treatment) and strongest(treatment) <= 0.0


def strongest(treatment: Treatment) -> float:
    """Greatest strength [mg/mL] that anybody under this treatment may be given."""
    guided = treatment.guided.strengths_mg_per_mL if treatment.guided else ()
    steps = (step.strength_mg_per_mL for step in treatment.steps)
    return max((treatment.strength_mg_per_mL, *steps, *guided))


def session_weeks(treatment: Treatment) -> tuple[float, ...]:
    """Weeks of the sessions if nothing stops them; none without injection.

    Examples
    --------
    >>> session_weeks(Treatment(strength_mg_per_mL=5, interval_weeks=6, sessions=2))
    (0.0, 6.0)
    """
    if is_untreated(treatment):
        return ()
    return tuple(number * treatment.interval_weeks for number in range(treatment.sessions))


def last_session_week(arm: Arm) -> float:
    """Week of the last session of an arm, a guided one at its longest interval; 0 without any."""
    treatment = arm.treatment
    if is_untreated(treatment):
        return 0.0
    choices = treatment.guided.interval_weeks if treatment.guided else ()
    longest = max((treatment.interval_weeks, *choices))
    return max(treatment.sessions - 1, 0) * max(longest, 0.0)


def end_week(protocol: Protocol) -> float:
    """Week in which the trial ends: the follow-up after the last session of any arm.

    Examples
    --------
    >>> from anagen.trials.protocol_file import load_protocol_file
    >>> end_week(load_protocol_file("quadrant-strengths"))
    12.0
    """
    last = max((last_session_week(arm) for arm in protocol.arms), default=0.0)
    return last + protocol.follow_up_weeks


def fingerprint(protocol: Protocol) -> str:
    """Digest of all that a protocol says, defaults filled in, to tell results of two apart.

    Parameters
    ----------
    protocol : the protocol.

    Returns
    -------
    str
        64 hexadecimal digits; the same whatever the order and the remarks of the file.
    """
    data = protocol.model_dump(mode="json")
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=1)
def protocol_schema() -> dict[str, Any]:
    """JSON Schema of the protocol file.

    Returns
    -------
    dict
        Draft 2020-12.

    Examples
    --------
    >>> protocol_schema()["title"]
    'Anagen trial protocol'
    """
    schema = Protocol.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Anagen trial protocol",
        "description": "One virtual trial. Times are in weeks from randomisation. A table says in "
        "'source' where its numbers come from, and in 'assumed' which of them no source gives.",
    }


def protocol_schema_json() -> str:
    """Text of the published schema, ``docs/schema/trial.schema.json``."""
    return json.dumps(protocol_schema(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
