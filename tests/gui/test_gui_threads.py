"""The host of the engine's loops: starts, stops, relays, asks."""

import threading

import pytest

from pumpwatch_gui.domain.events import Note
from pumpwatch_gui.gui.shell.threads import EngineHost


class Loops:
    """Two loops that wait for the end, and one that fails if told so."""

    def __init__(self, *, fail: bool = False) -> None:
        self.ran: list[str] = []
        self.ended: list[str] = []
        self.fail = fail
        self.callbacks = []

    def loops(self):
        return {name: lambda stop, name=name: self._run(name, stop) for name in ("links", "infer")}

    def _run(self, name, stop: threading.Event) -> None:
        self.ran.append(name)
        if self.fail and name == "infer":
            raise RuntimeError("broken")
        stop.wait()
        self.ended.append(name)

    def listen(self, callback):
        self.callbacks.append(callback)
        return lambda: self.callbacks.remove(callback)


@pytest.fixture
def host(qapp):
    made = []

    def make(**given) -> tuple[EngineHost, Loops]:
        loops = Loops(**given)
        made.append(EngineHost(loops))
        return made[-1], loops

    yield make
    for one in made:
        one.stop()


def test_loops_run_in_threads_of_their_own_and_end_on_stop(host, qtbot):
    one, loops = host()
    one.start()
    qtbot.waitUntil(lambda: sorted(loops.ran) == ["infer", "links"])
    assert one.running
    one.stop()
    assert sorted(loops.ended) == ["infer", "links"]
    assert not one.running
    assert loops.callbacks == []


def test_an_event_from_another_thread_arrives_on_the_gui_thread(host, qtbot):
    one, loops = host()
    one.start()
    seen = []
    one.happened.connect(lambda event: seen.append((event.text, threading.current_thread())))
    threading.Thread(target=loops.callbacks[0], args=(Note(1, "hello"),)).start()
    qtbot.waitUntil(lambda: bool(seen))
    assert seen == [("hello", threading.main_thread())]


def test_a_loop_that_fails_is_told_and_the_others_go_on(host, qtbot, caplog):
    one, _ = host(fail=True)
    seen = []
    one.happened.connect(seen.append)
    one.start()
    qtbot.waitUntil(lambda: bool(seen))
    assert "broken" in seen[0].text
    assert seen[0].severity == "ERROR"
    assert one.running
    assert "infer" in caplog.text


def test_a_slow_read_is_answered_on_the_gui_thread(host, qtbot):
    one, _ = host()
    answers = []
    one.ask(
        lambda: threading.current_thread() is threading.main_thread(),
        lambda result: answers.append((result, threading.current_thread() is threading.main_thread())),
    )
    qtbot.waitUntil(lambda: bool(answers))
    assert answers == [(False, True)]


def test_an_error_in_a_slow_read_is_handed_over(host, qtbot):
    one, _ = host()
    errors = []
    one.ask(lambda: 1 / 0, lambda _: None, errors.append)
    qtbot.waitUntil(lambda: bool(errors))
    assert isinstance(errors[0], ZeroDivisionError)


def test_no_answer_comes_after_the_stop(host, qtbot, qapp):
    one, _ = host()
    gate, answers = threading.Event(), []
    one.ask(lambda: gate.wait(5), answers.append)
    threading.Timer(0.05, gate.set).start()
    one.stop()
    qapp.processEvents()
    assert answers == []
