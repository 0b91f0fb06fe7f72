"""Work done ahead keeps its order, its bound and its errors, and leaves no thread behind."""

from __future__ import annotations

import threading

import pytest

from framedream.render.prefetching import prefetch


def threads() -> int:
    return sum(thread.name == "framedream-ahead" for thread in threading.enumerate())


class Source:
    """Counts what is taken, and knows when it was closed."""

    def __init__(self, count: int, fails_at: int | None = None) -> None:
        self.count, self.fails_at = count, fails_at
        self.taken, self.closed = 0, False

    def __iter__(self):
        try:
            for index in range(self.count):
                if index == self.fails_at:
                    raise OSError("the disk is gone")
                self.taken += 1
                yield index
        finally:
            self.closed = True


@pytest.mark.parametrize("depth", [1, 3, 100])
def test_items_come_in_their_order(depth):
    assert list(prefetch(range(50), depth)) == list(range(50))
    assert threads() == 0


def test_nothing_is_an_answer_too():
    assert list(prefetch([], 2)) == []
    assert list(prefetch([None, None], 2)) == [None, None]


def test_the_work_is_done_in_another_thread():
    def who():
        yield threading.current_thread()

    assert next(prefetch(who(), 1)) is not threading.current_thread()


def test_it_runs_ahead_but_only_so_far():
    """While the first item is looked at, three wait and one is held by the thread that found no place for it."""
    source = Source(100)
    items = prefetch(source, 3)
    assert next(items) == 0
    deadline = threading.Event()
    while source.taken < 5:
        assert not deadline.wait(0.01)
    deadline.wait(0.3)
    assert source.taken == 5
    items.close()


def test_an_error_comes_through_in_its_place():
    source, seen = Source(10, fails_at=4), []
    with pytest.raises(OSError, match="the disk is gone"):
        for item in prefetch(source, 2):
            seen.append(item)
    assert seen == [0, 1, 2, 3]
    assert source.closed
    assert threads() == 0


def test_left_early_it_stops_the_thread_and_closes_the_source():
    source = Source(1_000_000)
    items = prefetch(source, 2)
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    items.close()
    assert source.closed
    assert source.taken < 10
    assert threads() == 0


def test_an_error_of_whoever_takes_the_items_stops_the_thread_too():
    source = Source(1_000_000)
    items = prefetch(source, 2)
    with pytest.raises(KeyError):
        for _ in items:
            raise KeyError
    items.close()
    assert source.closed
    assert threads() == 0


def test_it_can_be_stacked():
    source = Source(1_000_000)
    outer = prefetch(prefetch(source, 2), 2)
    assert next(outer) == 0
    outer.close()
    assert source.closed
    assert threads() == 0
