"""Telemetry by way of Faust: a consumer group on one topic, and batches of records out of it.

Faust runs inside our own event loop, not under its worker: our lifecycle stops it, in bounded time. What is overridden, and why
(measured; see docs/decisions):

- `fetch_max_wait_ms` is 1500 in Faust's code; the embedded broker wakes no fetch, so that would be the latency of a verdict.
- The session is 60 s by default, during which nothing comes after a crash; here 6 s, the least that Kafka allows.
- A topic that is missing leaves Faust idle until the metadata is read again; here every 3 s, and the service looks beforehand.
- It declares no topics, elects no leader and serves no web pages.

An exception in an agent loses records that were committed already, so nothing may escape from the handler: it is caught, logged
and counted as a bug. `concurrency` is 1: with more, Faust 0.15.3 commits past records in flight. It begins at the end of the
topic on its first start and where it stood afterwards; windows are not read back, and fill up again within seconds.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import faust
import structlog
from faust.transport.drivers import aiokafka as driver

from interlock.runtime.bus import Record
from interlock.runtime.kafka_records import is_marker, read_whatever_comes
from interlock.runtime.lifecycle import Stop
from interlock.vocabulary.errors import InfrastructureError
from interlock.wire.topics import TELEMETRY
from interlock.wire.trace import from_headers

GROUP = "interlock-health-monitor"

BATCH_RECORDS_MAX = 200
"""Records handled in one go: some 50 ms of verifying."""

BATCH_WITHIN_S = 0.02
"""How long records are collected: it is part of the latency of every verdict."""

STOP_S_MAX = 5.0
"""How long Faust may take to commit and leave the group; without a broker its `stop` hangs for more than 40 s."""

_SESSION_S = 6.0
_POLL_S = 0.2
_log = structlog.get_logger(__name__)

Handler = Callable[[Sequence[Record]], Awaitable[None]]


class TelemetryStream:
    """Hands over what comes on the telemetry topic.

    Args:
        bootstrap: Kafka bootstrap servers.
        fetch_wait_ms: How long the broker may hold a fetch that finds nothing.
        handle: Takes the records in order, one batch after the other.
        assigned: Is told whether partitions are assigned, whenever that changes.
    """

    def __init__(self, bootstrap: str, fetch_wait_ms: int, handle: Handler, assigned: Callable[[bool], None]) -> None:
        self._bootstrap = bootstrap
        self._fetch_wait_ms = fetch_wait_ms
        self._datadir = tempfile.TemporaryDirectory(prefix=f"{GROUP}-")  # Faust makes one, though nothing is kept in it
        self._handle = handle
        self._assigned = assigned

    async def run(self, stop: Stop) -> None:
        """Hand records over until asked to stop.

        Raises:
            InfrastructureError: Faust gave up.
        """
        app = self._app()
        try:
            await app.start()
            held = False
            while not await stop.within(_POLL_S):
                if app.crashed or app.should_stop:
                    raise InfrastructureError(
                        f"Reading telemetry with Faust ended: {app.crash_reason!r}.",
                        "Check that the broker runs, then start the health-monitor again.",
                    )
                if held != bool(app.consumer.assignment()):
                    held = not held
                    self._assigned(held)
        finally:
            await _stop(app)

    def _app(self) -> Any:
        read_whatever_comes()
        app = faust.App(
            GROUP,
            broker=[f"kafka://{server}" for server in self._bootstrap.split(",")],
            loop=asyncio.get_running_loop(),
            store="memory://",
            datadir=self._datadir.name,
            web_enabled=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            broker_session_timeout=_SESSION_S,
            broker_heartbeat_interval=_SESSION_S / 3,
            broker_rebalance_timeout=_SESSION_S,
            broker_request_timeout=10.0,
            broker_commit_interval=1.0,
            producer_request_timeout=10.0,
            consumer_auto_offset_reset="latest",
            consumer_metadata_max_age_ms=3_000,
            worker_redirect_stdouts=False,
        )
        app.transport = _Transport(app.conf.broker_consumer, app)
        app.transport.fetch_wait_ms = self._fetch_wait_ms
        topic = app.topic(
            TELEMETRY.name, key_serializer="raw", value_serializer="raw", key_type=bytes, value_type=bytes
        )
        app.agent(topic, name="telemetry", concurrency=1)(self._consume)
        app.finalize()
        return app

    async def _consume(self, stream: Any) -> None:
        async for events in stream.take_events(BATCH_RECORDS_MAX, within=BATCH_WITHIN_S):
            try:
                messages = (event.message for event in events)
                await self._handle([_record(each) for each in messages if not is_marker(each.key)])
            except Exception:  # noqa: BLE001 - what escapes from an agent takes committed records with it
                _log.exception("telemetry_not_handled", records=len(events))


def _record(message: Any) -> Record:
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        key=message.key,
        value=message.value,
        timestamp_ms=round(message.timestamp * 1_000),
        trace=from_headers(message.headers or ()),
    )


async def _stop(app: Any) -> None:
    """Let Faust commit and leave the group, for a bounded time."""
    task = asyncio.ensure_future(app.stop())
    _, late = await asyncio.wait({task}, timeout=STOP_S_MAX)
    if late:
        task.cancel()
        _log.warning("faust_stop_late", seconds=STOP_S_MAX)
    elif not task.cancelled() and (error := task.exception()):
        _log.warning("faust_stop_failed", error=repr(error))


class _ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer, but for how long a fetch may wait."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = transport.fetch_wait_ms
        return consumer


class _Consumer(driver.Consumer):
    def _new_consumer_thread(self) -> Any:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)


class _Transport(driver.Transport):
    Consumer = _Consumer
    fetch_wait_ms: int
