"""Time to regrowth and relapse: who is at risk, from when, and curves as lifelines draws them."""

import sys

import numpy as np
import pytest
from lifelines import KaplanMeierFitter
from trials.analysis_cases import results, two_arms, values_of

from anagen.errors import InputError
from anagen.trials.survival import kaplan_meier, times_to

PROTOCOL = two_arms()
SHARE = np.array([[0, 0.6, 0.7], [0, 0.1, 0.6], [0, 0.6, 0.6], [0, 0.1, 0.1]], np.float32)


def test_curves_are_those_of_lifelines() -> None:
    random = np.random.default_rng(5)
    arm, time = np.repeat([0, 1], 60), np.ceil(random.exponential(6.0, 120))
    event = time <= 10
    table = kaplan_meier(values_of(np.minimum(time, 10), arm, "time", event=event))
    for number, key in enumerate(("control", "treated")):
        own = arm == number
        fitter = KaplanMeierFitter().fit(np.minimum(time, 10)[own], event[own])
        curve = table[table.arm == key].set_index("week")
        limits = 1.0 - fitter.confidence_interval_
        assert curve.share.to_list() == pytest.approx(
            (1.0 - fitter.survival_function_.iloc[:, 0]).to_list())  # fmt: skip
        assert curve.low.to_list() == pytest.approx(limits.iloc[:, 1].to_list())
        assert curve.high.to_list() == pytest.approx(limits.iloc[:, 0].to_list())
        assert curve.at_risk.to_list() == fitter.event_table.at_risk.to_list()
    assert curve.share.iloc[0] == 0.0
    assert curve.index[0] == 0.0


def test_regrowth_is_waited_for_from_the_start_of_all() -> None:
    found = times_to(PROTOCOL, results(4, regrowth=SHARE), "regrowth", 0.5)
    assert found.value.tolist() == [4, 8, 4, 8]
    assert found.event.tolist() == [True, True, True, False]
    curve = kaplan_meier(found)
    assert curve[curve.arm == "ta5"].share.to_list() == [0.0, 1.0]
    assert curve[curve.arm == "none"].share.to_list() == [0.0, 0.5]


def test_relapse_is_waited_for_from_the_last_session_by_those_who_responded() -> None:
    weeks = (0, 4, 8, 12)
    share = np.array([[0, 0.6, 0.7, 0.2], [0, 0.1, 0.6, 0.6], [0, 0.6, 0.6, 0.6],
                      [0, 0.1, 0.1, 0.1]], np.float32)  # fmt: skip
    relapse = np.array([[0, 0, 1, 1], [0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]], bool)
    came = np.array([[1, 1, 0, 1], [1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 1, 1]], bool)
    day = np.array([50, np.inf, 80, np.nan], np.float32)
    data = results(4, weeks, regrowth=share, relapse=relapse, attended=came, relapse_day=day,
                   sessions=np.array([[0, 28], [0, 28], [0, -1], [0, 28]]))  # fmt: skip
    visits = tuple(PROTOCOL.visits[0].model_copy(update={"week": week}) for week in weeks)
    found = times_to(PROTOCOL.model_copy(update={"visits": visits}), data, "relapse")
    # Seen in week 12 after the last session in week 4; response in week 8, last seen in week 12;
    # response in week 4, last seen in week 8 before the relapse; no response.
    assert found.value[:3].tolist() == [8, 4, 4]
    assert np.isnan(found.value[3])
    assert found.event.tolist() == [True, False, False, False]
    assert found.better == "lower"
    true = times_to(PROTOCOL.model_copy(update={"visits": visits}), data, "relapse", truth=True)
    assert true.value[:3].tolist() == pytest.approx([22 / 7, 4, 52 / 7])
    assert true.event.tolist() == [True, False, True, False]


def test_a_million_times_are_drawn_as_quickly_as_their_visits() -> None:
    count = 1_000_000
    random = np.random.default_rng(6)
    time = random.choice([4.0, 8.0, 12.0], count)
    found = values_of(time, random.integers(0, 2, count), "time", event=random.random(count) < 0.5)
    table = kaplan_meier(found)
    assert len(table) == 8
    assert table.at_risk.iloc[0] + table.at_risk.iloc[4] == count
    assert (table.high - table.low).max() < 0.01


def test_arms_without_anybody_have_no_curve() -> None:
    found = values_of([4.0, np.nan], [0, 1], "time", event=np.array([True, False]))
    assert set(kaplan_meier(found).arm) == {"control"}
    nobody = kaplan_meier(values_of([np.nan], [0], "time"))
    assert len(nobody) == 0
    assert "at_risk" in nobody.columns


def test_what_cannot_be_waited_for_is_refused() -> None:
    data = results(2)
    with pytest.raises(InputError, match="a threshold of"):
        times_to(PROTOCOL, data, "relapse", 0.5)
    with pytest.raises(InputError, match="'hair'"):
        times_to(PROTOCOL, data, "hair")  # type: ignore[arg-type]  # a wrong word is the point
    with pytest.raises(InputError, match="times to an event"):
        kaplan_meier(values_of([1.0], [0]))


def test_without_lifelines_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lifelines", None)
    found = values_of([4.0], [0], "time", event=np.array([True]))
    with pytest.raises(InputError, match=r"anagen\[trials\]"):
        kaplan_meier(found)
