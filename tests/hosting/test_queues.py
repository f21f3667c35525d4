"""Both queues: a company is never worked on twice at a time, what waits twice is done once, the others go on, a stop is clean."""

from collections import Counter
from collections.abc import Callable, Iterator
from threading import Event, Lock

import pytest
from history.databases import migrated_database
from puntual.core.hosting.jobs import Job, JobKind
from puntual.core.hosting.queue import Queue, ThreadQueue

PATIENCE = 30


class Hands:
    """What is done for each company: waits at the gate of those that have one, counts who is at work, remembers what was done."""

    def __init__(self) -> None:
        self.done: list[Job] = []
        self.at_work: Counter[str] = Counter()
        self.most_at_once: Counter[str] = Counter()
        self.gates: dict[str, Event] = {}
        self.arrived: dict[str, Event] = {}
        self.fails: set[str] = set()
        self._lock = Lock()
        self.ended = Event()
        self.enough = 10**9

    def close(self, company: str) -> Event:
        """From now on work for this company waits. Returns what is set when somebody stands there."""
        self.gates[company], self.arrived[company] = Event(), Event()
        return self.arrived[company]

    def until(self, count: int) -> bool:
        """Whether so many jobs were done, after waiting for it."""
        with self._lock:
            self.enough = count
            if len(self.done) >= count:
                self.ended.set()
        return self.ended.wait(PATIENCE)

    def __call__(self, job: Job) -> None:
        with self._lock:
            self.at_work[job.company] += 1
            self.most_at_once[job.company] = max(self.most_at_once[job.company], self.at_work[job.company])
        if job.company in self.gates:
            self.arrived[job.company].set()
            assert self.gates[job.company].wait(PATIENCE)
        with self._lock:
            self.at_work[job.company] -= 1
            self.done.append(job)
            if len(self.done) >= self.enough:
                self.ended.set()
        if job.company in self.fails:
            raise RuntimeError(job.company)


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture(params=["threads", "postgresql"])
def queue_of(request: pytest.FixtureRequest, hands: Hands) -> Iterator[Callable[[int], Queue]]:
    made: list[Queue] = []
    if request.param == "threads":
        yield lambda threads: made.append(ThreadQueue(threads, hands)) or made[-1]  # type: ignore[func-returns-value]
        for queue in made:
            queue.close(PATIENCE)
        return
    from puntual.core.hosting.shared_queue import SharedQueue

    with migrated_database("postgresql", None) as url:
        yield lambda threads: made.append(SharedQueue(plain(url), threads, hands)) or made[-1]  # type: ignore[func-returns-value]
        for queue in made:
            queue.close(PATIENCE)


def plain(url: str) -> str:
    return "postgresql" + url[url.index(":") :]


def job(company: str, kind: JobKind = JobKind.SYNC) -> Job:
    return Job(company, kind)


def test_everybody_is_served(queue_of, hands):
    queue = queue_of(3)
    for number in range(20):
        queue.put(job(f"c{number}", JobKind.RUN))
    assert hands.until(20)
    assert sorted(done.company for done in hands.done) == sorted(f"c{number}" for number in range(20))
    assert {done.kind for done in hands.done} == {JobKind.RUN}
    assert queue.close(PATIENCE)


def test_what_waits_twice_is_done_once_and_never_two_at_a_time(queue_of, hands):
    queue, arrived = queue_of(4), hands.close("acme")
    queue.put(job("acme"))
    assert arrived.wait(PATIENCE)
    for _ in range(5):
        queue.put(job("acme"))
    queue.put(job("other"))
    assert hands.until(1)
    assert queue.depth() == 1
    hands.ended.clear()
    hands.gates["acme"].set()
    assert hands.until(3)
    assert Counter(done.company for done in hands.done) == {"acme": 2, "other": 1}
    assert hands.most_at_once["acme"] == 1


def test_one_that_hangs_takes_one_hand_and_no_more(queue_of, hands):
    queue, arrived = queue_of(2), hands.close("huge")
    queue.put(job("huge"))
    assert arrived.wait(PATIENCE)
    for number in range(10):
        queue.put(job("huge"))
        queue.put(job(f"small{number}"))
    assert hands.until(10)
    assert all(done.company.startswith("small") for done in hands.done)
    hands.gates["huge"].set()


def test_a_job_that_breaks_leaves_its_hand_at_work(queue_of, hands):
    queue = queue_of(1)
    hands.fails = {"broken"}
    for company in ("broken", "fine", "fine2"):
        queue.put(job(company))
    assert hands.until(3)
    assert [done.company for done in hands.done] == ["broken", "fine", "fine2"]


def test_a_stop_waits_for_what_is_done_and_begins_nothing_new(queue_of, hands):
    queue, arrived = queue_of(1), hands.close("acme")
    queue.put(job("acme"))
    assert arrived.wait(PATIENCE)
    queue.put(job("later"))
    assert not queue.close(0)
    hands.gates["acme"].set()
    assert hands.until(1)
    assert queue.close(PATIENCE)
    assert [done.company for done in hands.done] == ["acme"]


def test_those_who_came_first_are_served_first(queue_of, hands):
    queue, arrived = queue_of(1), hands.close("first")
    queue.put(job("first"))
    assert arrived.wait(PATIENCE)
    for company in ("b", "a", "c", "a"):
        queue.put(job(company))
    hands.gates["first"].set()
    assert hands.until(4)
    assert [done.company for done in hands.done] == ["first", "b", "a", "c"]
