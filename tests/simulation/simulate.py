"""Runs simulations: `python -m simulation.simulate --seeds 1000` in all processes, or one with its story: `--seed 42`.

See docs/simulation.md.
"""

import argparse
import gc
import logging
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, process_time

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from simulation.database_points import remove_place, template
from simulation.oracle import Oracle
from simulation.planted_bugs import PLANTED
from simulation.play import Play

_SEEDS_BETWEEN_CLEANINGS = 10
_SEEDS_BETWEEN_WORDS = 100


@dataclass
class Outcome:
    """What came of a seed: what should not have been, what happened how often, and its story in a few characters."""

    seed: int
    faults: list[str]
    counts: Counter[str]
    digest: str
    days: int
    story: list[str] = field(default_factory=list)


def simulate(seed: int, bug: str = "", *, with_story: bool = False) -> Outcome:
    """Play a seed and judge it. `bug` is a mistake to plant first."""
    play = Play(seed)
    with ExitStack() as planted:
        if bug:
            planted.enter_context(PLANTED[bug]())
        play.perform()
    faults = Oracle(play).faults()
    story = play.stage.lines() if with_story else []
    return Outcome(seed, faults, play.stage.counts, play.stage.digest(), (play.world.end - play.world.begin).days, story)


def _share(seeds: list[int], bug: str, answers: "multiprocessing.SimpleQueue[Outcome | None]") -> None:
    _quietly()
    try:
        for number, seed in enumerate(seeds):
            answers.put(simulate(seed, bug))
            if number % _SEEDS_BETWEEN_CLEANINGS == 0:
                gc.collect()
    finally:
        answers.put(None)
        remove_place()


def _quietly() -> None:
    logging.getLogger("puntual").addHandler(logging.NullHandler())
    logging.getLogger("puntual").propagate = False
    gc.freeze()
    gc.disable()


def outcomes(seeds: range, processes: int, bug: str = "") -> Iterator[Outcome]:
    """What came of these seeds, as they end; in so many processes."""
    template()
    context = multiprocessing.get_context("fork")
    answers: multiprocessing.SimpleQueue[Outcome | None] = context.SimpleQueue()
    hands = [context.Process(target=_share, args=(list(seeds[number::processes]), bug, answers)) for number in range(processes)]
    for hand in hands:
        hand.start()
    at_work = len(hands)
    try:
        while at_work:
            outcome = answers.get()
            if outcome is None:
                at_work -= 1
            else:
                yield outcome
    finally:
        for hand in hands:
            hand.terminate() if at_work else hand.join()


def main() -> int:
    """The command. Returns 1 when a seed failed."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seeds", type=int, default=300)
    asked.add_argument("--from", type=int, default=1, dest="first")
    asked.add_argument("--seed", type=int)
    asked.add_argument("--bug", choices=sorted(PLANTED), default="")
    asked.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    told = asked.parse_args()
    if told.seed is not None:
        return _one(told.seed, told.bug)
    began, counts, failed, days = monotonic(), Counter[str](), [], 0
    for number, outcome in enumerate(outcomes(range(told.first, told.first + told.seeds), told.processes, told.bug), 1):
        if number % _SEEDS_BETWEEN_WORDS == 0:
            print(f"{number} seeds, {len(failed)} failed", file=sys.stderr, flush=True)
        counts += outcome.counts
        days += outcome.days
        if outcome.faults:
            failed.append(outcome.seed)
            print(f"seed {outcome.seed} failed; to see it: make simulate SEED={outcome.seed}{f' BUG={told.bug}' if told.bug else ''}")
            print("".join(f"    {fault}\n" for fault in outcome.faults[:6]), end="", flush=True)
    seconds = monotonic() - began
    print("\n".join(f"{count:>9}  {what}" for what, count in sorted(counts.items())))
    print(f"{told.seeds} seeds, {days} days of {len(failed)} failed, in {seconds:.0f} s: {told.seeds / max(seconds, 0.001):.1f} seeds/s")
    return 1 if failed else 0


def _one(seed: int, bug: str) -> int:
    _quietly()
    began = process_time()
    outcome = simulate(seed, bug, with_story=True)
    print("\n".join(outcome.story))
    print("\n".join(f"WRONG  {fault}" for fault in outcome.faults) or "nothing wrong")
    print(f"seed {seed}, story {outcome.digest}, {process_time() - began:.2f} s")
    remove_place()
    return 1 if outcome.faults else 0


if __name__ == "__main__":
    sys.exit(main())
