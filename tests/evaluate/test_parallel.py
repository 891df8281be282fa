"""Tasks on threads: results in order, progress, and an end when one fails or the person does not want to wait."""

import threading
import time

import pytest

from octavo.evaluate.parallel import Cancelled, ProgressMeter, run_parallel


def test_results_come_in_the_order_of_the_tasks() -> None:
    shares: list[float] = []
    meter = ProgressMeter(4)

    def task(number: int) -> int:
        time.sleep(0.15 - 0.05 * number)
        meter.add(1)
        return number

    tasks = [lambda number=number: task(number) for number in range(3)]
    assert run_parallel(tasks, meter, shares.append) == [0, 1, 2]
    assert shares == sorted(shares)
    assert meter.fraction == 0.75
    meter.add(9)
    assert meter.fraction == 1.0


def endless(meter: ProgressMeter, ended: threading.Event) -> None:
    try:
        while True:
            meter.add(0)
            time.sleep(0.005)
    except Cancelled:
        ended.set()
        raise


def test_a_task_that_fails_ends_the_others() -> None:
    meter, ended = ProgressMeter(1), threading.Event()

    def broken() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        run_parallel([lambda: endless(meter, ended), broken], meter, lambda share: None)
    assert ended.is_set(), "nothing goes on behind one's back"


def test_ctrl_c_ends_them() -> None:
    meter, ended = ProgressMeter(1), threading.Event()

    def interrupted(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_parallel([lambda: endless(meter, ended)], meter, interrupted)
    assert ended.is_set()


def test_no_more_run_at_once_than_a_container_lets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("octavo.system.threads.cpu_limits", lambda: [1])
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    meter, lock, running, most = ProgressMeter(1), threading.Lock(), 0, 0

    def task() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.05)
        with lock:
            running -= 1

    run_parallel([task] * 4, meter, lambda share: None)
    assert most == 1
