"""The key made of time."""

from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.store.ids import EPOCH_MS, IdMaker, make_id, number_of, time_ms

MS = 1_000_000
year_2089_ns = 3_755_289_600_000 * MS
times = st.integers(0, year_2089_ns)
numbers = st.integers(1, 4095)


@given(times, numbers)
def test_an_id_decodes_back_to_its_millisecond_and_pump(time_ns: int, number: int) -> None:
    key = make_id(time_ns, number)
    assert (time_ms(key), number_of(key)) == (time_ns // MS, number)
    assert key < 1 << 53


@given(st.lists(st.tuples(st.integers(0, 20), numbers), max_size=60))
def test_ids_of_a_pump_rise_while_its_clock_does_not_fall(steps: list[tuple[int, int]]) -> None:
    ids = IdMaker(lambda key: False)
    time_ns = EPOCH_MS * MS + 10**15
    last: dict[int, int] = {}
    for step_tenths_ms, number in steps:
        time_ns += step_tenths_ms * MS // 10
        key = ids.make(time_ns, number)
        assert number_of(key) == number
        assert key > last.get(number, 0)
        last[number] = key


@given(st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 3), st.booleans()), max_size=80))
def test_no_id_is_given_twice_whatever_the_clock_does(offers: list[tuple[int, int, bool]]) -> None:
    table: set[int] = set()
    pending: list[int] = []
    ids = IdMaker(table.__contains__)
    for ms, number, commit in offers:
        key = ids.make((EPOCH_MS + 10**9 + ms) * MS, number)
        assert key not in table
        assert key not in pending
        pending.append(key)
        if commit:
            table.update(pending)
            pending.clear()
            ids.committed()


def test_a_clock_set_back_by_an_hour_keeps_the_true_time() -> None:
    ids = IdMaker(lambda key: False)
    now_ns = (EPOCH_MS + 10**9) * MS
    ids.make(now_ns, 1)
    assert time_ms(ids.make(now_ns - 3_600_000 * MS, 1)) == now_ns // MS - 3_600_000


def test_the_ids_go_on_after_the_newest_in_the_table() -> None:
    now_ns = (EPOCH_MS + 10**9) * MS
    newest = make_id(now_ns, 9)
    assert IdMaker(lambda key: False, newest=newest).make(now_ns, 1) == make_id(now_ns + MS, 1)
