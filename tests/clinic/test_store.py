import pytest
from sqlalchemy import text


@pytest.mark.parametrize("n", range(10))
def test_it(store, n):
    with store.engine.connect() as c:
        assert c.execute(text("select count(*) from chains")).scalar() == 3
def test_s(sqlite_store): assert sqlite_store.is_sqlite
def test_e(empty_places):
    from anagen.clinic.store import close_store, open_store
    close_store(open_store(empty_places))
