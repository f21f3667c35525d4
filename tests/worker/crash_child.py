"""Runs of a company in processes that kill themselves, as a power cut would, at a given call.

Each line on the standard input is a JSON list: the company's folder, the day, the database, and the point as
`module:name:before|after:number`; `puntual.core.worker.act:begin:after:1` dies after the first call of `begin`, before anything that
follows. Each run is a process of its own, forked from this one so that the modules are loaded once; its exit code is the answer.
"""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

from puntual.core.worker.clock import FixedClock, noon_of
from puntual.core.worker.run import run
from puntual.core.worker.wiring import desk_of, ledger_kinds


def arm(point: str) -> None:
    """Wrap the function so that the process dies there."""
    module, name, when, number = point.split(":")
    owner: Any = import_module(module)
    *path, last = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    setattr(owner, last, _deadly(getattr(owner, last), when, int(number)))


def _deadly(function: Callable[..., Any], when: str, number: int) -> Callable[..., Any]:
    calls = 0

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if (when, calls) == ("before", number):
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*args, **kwargs)
        if (when, calls) == ("after", number):
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return wrapped


def in_a_process_of_its_own(folder: str, day: str, url: str, point: str) -> int:
    """Its exit code; -9 when it was killed."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        os.environ["PUNTUAL_DATABASE"] = url
        arm(point)
        on = date.fromisoformat(day)
        run(desk_of(Path(folder), "acme", FixedClock(noon_of(on, "Europe/Madrid"))), on)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


if __name__ == "__main__":
    ledger_kinds()
    for line in sys.stdin:
        print(in_a_process_of_its_own(*json.loads(line)), flush=True)
