"""Small trials with all that a report counts: gates, steps, rescue, missed visits, leavers."""

from functools import lru_cache
from typing import Any

import xarray as xr
from trials.engine_cases import UNTREATED, arm, treatment, trial

from anagen.trials.protocol import Conduct, Endpoint, Protocol, Rescue, Step, Stop
from anagen.trials.run_chunk import run_chunk

BUSY = Conduct(raters=2, missed_visit=0.15, dropout_per_week=0.03, dropout_if_poor=3.0,
               session_window_days=3)  # fmt: skip
ENDPOINTS = (
    Endpoint(key="most", measure="regrowth", threshold=0.75, week=12, primary=True),
    Endpoint(key="mean", measure="regrowth", week=12),
    Endpoint(key="wait", measure="time_to_regrowth", threshold=0.5, week=12),
    Endpoint(key="thin", measure="atrophy", week=12),
    Endpoint(key="back", measure="relapse", week=12),
)


def busy(**more: Any) -> Protocol:
    """Three arms: adaptive with a gate, one with a rescue, one without injection."""
    adaptive = treatment(
        2.5, 3,
        steps=(Step(week=4, if_regrowth_below=0.25, strength_mg_per_mL=10.0),),
        stops=(Stop(week=8, if_regrowth_at_least=0.4),),
    )  # fmt: skip
    rescue = Rescue(week=4, if_regrowth_below=0.3, strength_mg_per_mL=10.0, interval_weeks=2,
                    sessions=2)  # fmt: skip
    arms = (arm("adaptive", adaptive), arm("saved", treatment(2.5, 3), rescue=rescue),
            arm("natural", UNTREATED))  # fmt: skip
    return trial(*arms, people=40, **{"conduct": BUSY, "endpoints": ENDPOINTS, **more})


@lru_cache(maxsize=1)
def busy_results() -> tuple[Protocol, xr.Dataset]:
    """Two replicates of the busy trial."""
    protocol = busy()
    return protocol, run_chunk(protocol, count=240)


@lru_cache(maxsize=1)
def quadrant_results() -> tuple[Protocol, xr.Dataset]:
    """Quadrants of one patch, one arm fewer than quadrants, with drop-out."""
    from anagen.trials.protocol_file import load_protocol_file

    whole = load_protocol_file("quadrant-strengths")
    arms = tuple(one for one in whole.arms if one.key in ("ta10", "ta5", "saline"))
    protocol = whole.model_copy(update={"arms": arms, "people": 24, "key": "three-quadrants"})
    return protocol, run_chunk(protocol)
