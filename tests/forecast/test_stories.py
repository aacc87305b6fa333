"""Stories of the demonstration clinic: whole, believable records with plans that keep the rules."""

from datetime import date, timedelta

import pytest

from anagen.errors import InputError
from anagen.forecast.stories import story, story_kinds
from anagen.forecast.virtual import virtual_patient
from anagen.patient import check_patient, facts, patch_shapes, patient_scalp
from anagen.treatment.rules import check

TODAY = date(2026, 9, 15)


@pytest.fixture(scope="module")
def told():
    """One story of every kind."""
    return {kind: story(40 + n, today=TODAY, kind=kind) for n, kind in enumerate(story_kinds())}


def _blocks(patient, session):
    found = check(session, facts(patient, session.date), scalp=patient_scalp(patient))
    return [finding.rule for finding in found if finding.severity == "block"]


def test_every_record_is_sound(told):
    for kind, one in told.items():
        errors = [x for x in check_patient(one.patient, TODAY) if x.severity == "error"]
        assert not errors, (kind, errors)
        assert patch_shapes(one.patient)
        assert patient_scalp(one.patient).position.shape[1] == 3
        assert all(visit.date <= TODAY for visit in one.patient.visits)


def test_what_was_given_broke_no_blocking_rule(told):
    for kind, one in told.items():
        assert len(one.accepted) == len(one.plans)
        for session in one.patient.sessions:
            assert not _blocks(one.patient, session), (kind, session.date)
            assert all(item.status != "planned" for item in session.injections)
            assert all(item.lot and item.expiry > session.date
                       for item in session.injections if item.status == "given")  # fmt: skip
        for plan, accepted in zip(one.plans, one.accepted, strict=True):
            blocked = any(finding.severity == "block" for finding in plan.findings)
            assert not (blocked and accepted and plan.sessions)


def test_the_last_plan_is_of_the_latest_visit(told):
    for one in told.values():
        plan = one.plans[-1]
        assert not plan.sessions or plan.sessions[0].date == one.patient.visits[-1].date


def test_each_kind_tells_its_story(told):
    def first_and_last(kind):
        return told[kind].patient.visits[0], told[kind].patient.visits[-1]

    def names(visit):
        return {seen.id for seen in visit.patches}

    assert not told["watchful"].patient.sessions
    assert not told["allergy"].patient.sessions
    assert not any(told["allergy"].accepted)
    assert len(told["many patches"].patient.visits[0].patches) >= 5
    assert facts(told["child"].patient, TODAY).age_years < 18
    medicines = told["interaction"].patient.medicines
    assert {"ritonavir", "cobicistat"} & set(medicines)
    assert told["new today"].patient.visits[0].date == TODAY
    assert not told["new today"].patient.sessions
    assert TODAY - told["overdue"].patient.visits[-1].date > timedelta(days=56)
    first, last = first_and_last("new patch")
    assert names(first) < names(last)
    first, last = first_and_last("split patch")
    assert len(names(last)) == len(names(first)) + 1
    first, last = first_and_last("merged patches")
    assert names(last) < names(first)
    assert any(seen.atrophy_grade for visit in told["atrophy"].patient.visits
               for seen in visit.patches)  # fmt: skip


def test_responders_do_better_than_non_responders(told):
    def best(kind):
        return max(seen.regrowth_percent or 0 for seen in told[kind].patient.visits[-1].patches)

    assert best("responder") >= 75
    assert best("non-responder") < 50


def test_a_patch_that_relapses_was_regrown_before(told):
    seen = [visit.patches[0].regrowth_percent for visit in told["relapse"].patient.visits]
    top = seen.index(max(seen))
    assert seen[top] >= 75
    assert min(seen[top:]) <= 50


def test_a_story_is_settled_by_the_seed():
    one, again = (story(3, today=TODAY, months=6, kind="watchful") for _ in range(2))
    assert one == again
    assert story(4, today=TODAY, months=6, kind="watchful").patient != one.patient
    assert TODAY - one.patient.visits[0].date < timedelta(days=190)


def test_what_cannot_be_meant_is_refused_at_once():
    with pytest.raises(InputError) as raised:
        story(-1, today=TODAY, months=0, kind="miracle")
    assert {problem.place for problem in raised.value.problems} == {"seed", "months", "kind"}


def test_the_record_of_a_virtual_patient_holds_what_was_read():
    virtual = virtual_patient(10)
    read = {(one.kind, one.day, one.patch): one for one in virtual.observations}
    values = set()
    for visit in virtual.patient.visits[1:]:
        for seen in visit.patches:
            one = read["cover", visit.date, seen.id]
            assert seen.regrowth_percent == pytest.approx(5.0 * one.edges.index(one.low))
            values.add(seen.regrowth_percent)
    assert values != {50.0}
