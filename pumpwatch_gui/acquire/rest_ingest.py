"""Values that other programs post to the gateway (`POST /api/ingest`): each post is a scan."""

import asyncio
import time
from collections.abc import Sequence

from pumpwatch_gui.acquire.driver import LinkSpec, Readings
from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault
from pumpwatch_gui.domain.links.config import RestIngestConfig
from pumpwatch_gui.domain.links.decode import PointValue, bad, judge_value
from pumpwatch_gui.domain.links.inlet import Post, PostRefused, is_old
from pumpwatch_gui.domain.values.quality import Quality, Reason

SILENT_PERIODS = 3
"""The sender is silent after this many periods without a post that can be used."""
FIRST_POST_S = 1.0
SHORTEST_S = 0.05
"""Posts that come faster are thinned to this spacing; those passed over are counted."""
_ADVICE = "is the gateway on (`[gateway]` in the site file), and does the sender post under this name?"


class RestIngestChannel:
    """The posts of one sender. The newest counts."""

    def __init__(self, spec: LinkSpec) -> None:
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[str] = self._loop.create_future()
        self._spec, self._config = spec, spec.config_as(RestIngestConfig)
        self._name = self._config.box_of(spec.pump_id)
        self._something = asyncio.Event()
        self._is_listening = False
        self._newest: Post | None = None
        self._age_s = 0.0
        self._refused: PostRefused | None = None
        self._due_s = self._good_s = self._reported_s = 0.0

    def shared_by(self, specs: Sequence[LinkSpec]) -> None:
        """Nothing: a sender belongs to one link."""

    async def connect(self) -> None:
        """Wait for the first post. Raises LinkFault when none comes."""
        inlet = self._spec.inlet
        if inlet.has_listener(self._name):
            text = f"posts as {self._name} belong to another link already"
            raise LinkFault(FaultKind.CONFIG, Reason.CONFIGURATION_ERROR, text, "give each link its own name")
        inlet.listen(self._name, self._wake)
        self._is_listening = True
        self._good_s = self._reported_s = time.monotonic()
        until_s = self._good_s + max(SILENT_PERIODS * self._config.period_s, FIRST_POST_S)
        while not inlet.holds(self._name):
            await self._wait(until_s)
            if time.monotonic() >= until_s:
                self._take()
                raise self._fault(f"nothing has been posted as {self._name} yet")

    async def scan(self, spec: LinkSpec) -> Readings:
        """Wait for the next post and return its values. Raises LinkFault when none came for three periods."""
        await asyncio.sleep(max(self._due_s - time.monotonic(), 0.0))
        period_s = self._config.period_s
        while True:
            self._something.clear()
            self._take()
            if self._newest is not None:
                break
            now_s = time.monotonic()
            silent_s = max(self._good_s + SILENT_PERIODS * period_s, self._reported_s + period_s)
            if now_s >= silent_s or self.lost.done():
                self._reported_s = now_s
                raise self._fault(
                    f"nothing that can be used was posted as {self._name} for {now_s - self._good_s:.1f} s"
                )
            await self._wait(silent_s)
        post, self._newest, self._refused = self._newest, None, None
        self._good_s = self._reported_s = time.monotonic()
        self._due_s = self._good_s + SHORTEST_S
        spec.meter.good += 1
        doubtful = is_old(self._age_s, period_s)
        spans = {s.tag: s.span for s in spec.profile.sensors}
        return {tag: _reading(value, spans[tag], doubtful) for tag, value in post.values.items() if tag in spans}

    async def close(self) -> None:
        """Stop listening; posts that come meanwhile wait for the next channel."""
        if self._is_listening:
            self._is_listening = False
            self._spec.inlet.listen(self._name, None)
        if not self.lost.done():
            self.lost.set_result("closed")
        self._something.set()

    def _wake(self) -> None:
        self._loop.call_soon_threadsafe(self._something.set)

    def _take(self) -> None:
        taken, meter = self._spec.inlet.take(self._name), self._spec.meter
        meter.requests += (taken.post is not None) + taken.overtaken + taken.refusals
        meter.good += taken.overtaken
        meter.dropped["overtaken"] += taken.overtaken
        if taken.post is not None:
            self._newest, self._age_s = taken.post, taken.age_s
        if taken.refused is not None:
            self._refused = taken.refused
            meter.faults[FaultKind.REFUSED] += taken.refusals
            meter.last_error, meter.last_advice = f"post refused: {taken.refused.message}", taken.refused.advice

    def _fault(self, silent: str) -> LinkFault:
        """What is wrong: the last post was refused, or there was none."""
        if self._refused is None:
            return LinkFault(FaultKind.TIMEOUT, Reason.TIMEOUT, silent, _ADVICE)
        refused, self._refused = self._refused, None
        text = f"post refused: {refused.message}"
        return LinkFault(FaultKind.REFUSED, Reason.COMMUNICATION_ERROR, text, refused.advice)

    async def _wait(self, until_s: float) -> None:
        try:
            async with asyncio.timeout(max(until_s - time.monotonic(), 0.001)):
                await self._something.wait()
        except TimeoutError:
            return


def _reading(value: float | None, span: tuple[float, float], doubtful: bool) -> PointValue:
    if value is None:
        return bad(Reason.SENSOR_FAILURE)
    reading = judge_value(value, span)
    if doubtful and reading.quality is Quality.GOOD:
        return PointValue(reading.value, Quality.UNCERTAIN, Reason.LAST_USABLE_VALUE)
    return reading
