"""What the API answers is what its description says: a small part of what ``make fuzz`` sends."""

import io

import pytest
from api_cases import Tally, described, single_requests, stories

from anagen.clinic.store import Store

SEED = 20261123


@pytest.mark.filterwarnings("ignore")  # of the library that makes up the requests
def test_made_up_requests_get_answers_that_are_described(sqlite_store: Store) -> None:
    tally, log = Tally(), io.StringIO()
    with described(sqlite_store, log) as (schema, headers):
        single_requests(schema, headers, 2, SEED, tally)
        stories(schema, headers, 6, 6, SEED, tally)
        operations = sum(1 for _ in schema.get_all_operations())
    assert not tally.failures, "\n\n".join(sorted(set(tally.failures))[:20])
    assert len(tally.operations) == operations
    assert tally.sent > 200
    assert not tally.shut_out, tally.statuses
    assert '"event": "fault"' not in log.getvalue()
