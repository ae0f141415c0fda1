"""Long work says that it goes on."""

from __future__ import annotations

import threading

import pytest

from econ_ae.progress import Silent, waiting


class Listener(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.thrice = threading.Event()

    def say(self, text: str) -> None:
        self.lines.append(text)
        if len(self.lines) == 3:
            self.thrice.set()


def told() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("waiting: ")]


def test_what_lasts_is_said_again_until_it_ends() -> None:
    listener = Listener()
    with waiting(listener, "loading", every=0.001):
        assert listener.lines[0] == "loading"
        assert told()
        assert listener.thrice.wait(timeout=60)
    count = len(listener.lines)
    assert listener.lines[1] == "loading: 0 s"
    assert not told()
    assert len(listener.lines) == count


def test_an_error_ends_it_too() -> None:
    listener = Listener()
    with pytest.raises(ValueError, match="no"), waiting(listener, "loading", every=60):
        raise ValueError("no")
    assert listener.lines == ["loading"]
    assert not told()


def test_short_work_may_say_nothing() -> None:
    listener = Listener()
    with waiting(listener, "reading", every=60, at_once=False):
        pass
    assert listener.lines == []
