"""Blocking calls of the operating system, made in a thread of their own so that the loop goes on."""

import asyncio
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def off_loop(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a blocking function in a thread of its own and wait for it; whatever it raises is raised here.

    The thread is a daemon. `asyncio.to_thread` would use the loop's executor, whose threads are joined at the end of
    the loop and again at exit: a name server or a serial driver that hangs would then keep the program from ending.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def deliver(result: T | None, error: BaseException | None) -> None:
        if outcome.done():  # the caller was cancelled meanwhile
            return
        if error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        result, error = None, None
        try:
            result = function(*args, **kwargs)
        except Exception as raised:  # noqa: BLE001 - the top of a thread; it is raised again where it is awaited
            error = raised
        try:
            loop.call_soon_threadsafe(deliver, result, error)
        except RuntimeError:  # the loop has ended meanwhile
            return

    threading.Thread(target=work, name=f"pumpwatch-off-loop-{function.__name__}", daemon=True).start()
    return await outcome
