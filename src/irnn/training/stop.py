"""Ctrl-C and SIGTERM while runs are trained."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Stop:
    """What Ctrl-C and SIGTERM raise waits until an epoch is kept whole, and is not lost.

    Python drops what is raised in a finalizer, of which TensorFlow runs many; then it is raised
    again once the epoch is kept. In another thread than the main one, which signals interrupt,
    nothing changes.
    """

    def __enter__(self) -> "Stop":
        self._came: list[int] = []
        self._waits = False
        here = threading.current_thread() is threading.main_thread()
        self._before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM) if here}
        for number in self._before:
            signal.signal(number, self._handle)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: object) -> None:
        self._came.append(number)
        if not self._waits:
            self._pass_on()

    def _pass_on(self) -> None:
        """Have the first signal do what it does without this."""
        self.__exit__()
        signal.raise_signal(self._came[0])

    @contextmanager
    def after(self) -> Iterator[None]:
        """Put off what a signal does until the end of the block."""
        self._waits = True
        try:
            yield
        finally:
            self._waits = False
        if self._came:
            self._pass_on()
