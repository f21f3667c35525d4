"""Jobs that wait in PostgreSQL, for workers on any number of machines: procrastinate (https://procrastinate.readthedocs.io).

One job waits for a company at most (queueing lock), and one is done at a time (lock). A job whose worker died is taken up by another one:
procrastinate knows it by the heartbeat. As a job is judged anew when it begins, one that comes twice does nothing.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event, Thread

import procrastinate
import psycopg
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, ProcrastinateException, UniqueViolation
from procrastinate.jobs import Job as StalledJob
from procrastinate.jobs import Status

from ..errors import TryLater
from .jobs import Job, JobKind
from .logs import tell

NAME = "puntual"
TASK = "puntual:work"
_HEARTBEAT_SECONDS = 10
_DEAD_AFTER_SECONDS = 60
_LOOK_EVERY_SECONDS = 2
"""A company whose job ended is free for its next one without anybody being told of it."""
_MOST_SECONDS_BETWEEN_TRIES = 30
_SCHEMA_LOCK = 7305419


class QueueUnreachable(TryLater):
    """The database that holds the queue is not reachable."""


class SharedQueue:
    """The queue in the database at `url` (postgresql://…). With `threads` above zero this process takes jobs out of it, too."""

    def __init__(self, url: str, threads: int, do: Callable[[Job], object], name: str = NAME) -> None:
        self._url = url
        self._threads = threads
        self._do = do
        self._name = name
        self._stopping = Event()
        self._stop: Callable[[], object] = lambda: None
        self._asking = procrastinate.App(connector=procrastinate.SyncPsycopgConnector(conninfo=url, min_size=1, max_size=4, timeout=10))
        prepare(url)
        self._asking.open()
        self._thread = Thread(target=self._run, name="puntual-queue", daemon=True)
        if threads:
            self._thread.start()

    def put(self, job: Job) -> None:
        """This is to be done soon, by whoever comes first. Raises QueueUnreachable."""
        task = self._asking.configure_task(TASK, queue=NAME, lock=job.company, queueing_lock=job.company)
        try:
            task.defer(company=job.company, kind=job.kind.value)
        except AlreadyEnqueued:
            return
        except ConnectorException as error:
            raise QueueUnreachable("The queue in PostgreSQL is not reachable.") from error

    def depth(self) -> int:
        """How many jobs wait. Raises QueueUnreachable."""
        try:
            return sum(int(queue["todo"]) for queue in self._asking.job_manager.list_queues(queue=NAME))
        except ConnectorException as error:
            raise QueueUnreachable("The queue in PostgreSQL is not reachable.") from error

    def close(self, patience: int) -> bool:
        """Take no more jobs, and wait for what is being done; what waits is for others, or for later."""
        self._stopping.set()
        self._stop()
        if self._threads:
            self._thread.join(patience)
        with suppress(ProcrastinateException):
            self._asking.close()
        return not self._thread.is_alive()

    def _run(self) -> None:
        tries = 0
        while not self._stopping.is_set():
            try:
                asyncio.run(self._serve())
                tries = 0
            except (ProcrastinateException, psycopg.Error, OSError) as error:
                tries += 1
                tell("queue", logging.WARNING, why=f"The queue in PostgreSQL is not reachable: {type(error).__name__}.", tries=tries)
                self._stopping.wait(min(2**tries, _MOST_SECONDS_BETWEEN_TRIES))

    async def _serve(self) -> None:
        """Take jobs until the end. Each is done in a thread of its own."""
        app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=self._url, min_size=1, max_size=self._threads + 3))
        app.task(name=TASK, queue=NAME)(self._work)
        with ThreadPoolExecutor(self._threads, thread_name_prefix="puntual") as hands:
            asyncio.get_running_loop().set_default_executor(hands)
            async with app.open_async():
                rescue = asyncio.create_task(self._rescue(app))
                working = asyncio.create_task(self._working(app))
                loop = asyncio.get_running_loop()
                self._stop = lambda: loop.call_soon_threadsafe(working.cancel)
                if self._stopping.is_set():
                    working.cancel()
                try:
                    with suppress(asyncio.CancelledError):
                        await working
                finally:
                    self._stop = lambda: None
                    rescue.cancel()

    async def _working(self, app: procrastinate.App) -> None:
        """Cancelled, it takes no more and waits for what is being done."""
        await app.run_worker_async(
            queues=[NAME],
            name=self._name,
            concurrency=self._threads,
            install_signal_handlers=False,
            delete_jobs="always",
            fetch_job_polling_interval=_LOOK_EVERY_SECONDS,
            update_heartbeat_interval=_HEARTBEAT_SECONDS,
            stalled_worker_timeout=_DEAD_AFTER_SECONDS,
        )

    async def _rescue(self, app: procrastinate.App) -> None:
        """Let others have the jobs of workers that died."""
        while True:
            with suppress(ProcrastinateException):
                for stalled in await app.job_manager.get_stalled_jobs(queue=NAME, seconds_since_heartbeat=_DEAD_AFTER_SECONDS):
                    tell("job of a dead worker", logging.WARNING, company=str(stalled.task_kwargs.get("company", "")))
                    with suppress(ProcrastinateException):
                        await _freed(app, stalled)
            await asyncio.sleep(_HEARTBEAT_SECONDS)

    def _work(self, company: str, kind: str) -> None:
        self._do(Job(company, JobKind(kind)))


async def _freed(app: procrastinate.App, stalled: StalledJob) -> None:
    """Let it wait again. Where another job waits for the company already, that one does: this one only holds its lock."""
    try:
        await app.job_manager.retry_job(stalled)
    except UniqueViolation:
        await app.job_manager.finish_job(stalled, Status.FAILED, delete_job=True)


def prepare(url: str) -> None:
    """Make procrastinate's tables where they are missing, one process at a time. Raises QueueUnreachable."""
    try:
        with psycopg.connect(url, connect_timeout=10) as conn:
            conn.execute("SELECT pg_advisory_xact_lock(%s)", (_SCHEMA_LOCK,))
            there = conn.execute("SELECT to_regclass('procrastinate_jobs')").fetchone()
            if there is None or there[0] is None:
                conn.execute(procrastinate.schema.SchemaManager.get_schema())
    except psycopg.Error as error:
        raise QueueUnreachable("The queue in PostgreSQL is not reachable.") from error
