import threading
import time

from matching.read_write_lock import ReadWriteLock


def started(work) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_readers_hold_it_together():
    lock, both_in = ReadWriteLock(), threading.Barrier(2, timeout=10)

    def read() -> None:
        with lock.reading():
            both_in.wait()

    other = started(read)
    with lock.reading():
        both_in.wait()  # breaks the test when the other reader is kept out
    other.join(10)


def test_a_writer_waits_for_readers_and_goes_before_readers_who_come_later():
    lock, order = ReadWriteLock(), []
    first_in, let_first_go = threading.Event(), threading.Event()

    def first() -> None:
        with lock.reading():
            first_in.set()
            assert let_first_go.wait(10)
            order.append("first reader")

    def write() -> None:
        with lock.writing():
            order.append("writer")

    def late() -> None:
        with lock.reading():
            order.append("late reader")

    threads = [started(first)]
    assert first_in.wait(10)
    threads.append(started(write))
    deadline = time.monotonic() + 10
    while not lock._writers_waiting and time.monotonic() < deadline:
        time.sleep(0.001)
    threads.append(started(late))
    let_first_go.set()
    for one in threads:
        one.join(10)
    assert order == ["first reader", "writer", "late reader"]


def test_nothing_is_lost_when_many_write_and_it_is_free_after_an_error():
    lock, count = ReadWriteLock(), [0]

    def add() -> None:
        for _ in range(300):
            with lock.writing():
                seen = count[0]
                count[0] = seen + 1

    threads = [started(add) for _ in range(4)]
    for one in threads:
        one.join(10)
    assert count == [1200]
    for hold in (lock.reading, lock.writing):
        try:
            with hold():
                raise ValueError
        except ValueError:
            pass
    with lock.writing():
        pass
