"""Expected vs sent: after a good run nothing may be left that planning again would act on.

What is left once may have come into the books since the run. What is left after the next good run, too, was there for that run and it did
nothing about it, nor said why: a silent failure of the runner itself.
"""

import logging
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.exc import DBAPIError

from ..dunning.facts import Plan
from ..dunning.plan import waits_for_approval
from ..errors import PuntualError
from ..history.database import reading, writing
from ..history.duties import done_for, note_done
from ..history.health import overdue_steps
from ..history.unsent import forget_unsent, note_unsent, tried_since
from ..history.work import approved_keys
from ..policy.schema import Mode
from ..worker.desk import Desk
from ..worker.discounting import Discounting
from ..worker.planning import plan_of
from .jobs import CompanyState
from .logs import tell
from .roster import Roster
from .watching import HostHealth

DUTY = "unsent"
AT_ONCE = 200
"""Companies whose plan is made again in one look; the others wait for the next."""
_AHEAD = timedelta(days=2)
"""Somewhere it is tomorrow already, by UTC."""


def expect(roster: Roster, health: HostHealth) -> int:
    """Look what good runs left that were not looked at yet. Returns how many. One company's trouble stays with it."""
    states = {one.company: one.state for one in health.companies if one.expected and one.expected.mode is not Mode.SHADOW}
    with reading(roster.engine) as conn:
        known = done_for(conn, DUTY, states)
        fresh = [state for company, state in states.items() if state.ran_ok_at and state.ran_ok_at > known.get(company, state.seen_at)]
        fresh = sorted(fresh, key=lambda state: state.ran_ok_at or state.seen_at)[:AT_ONCE]
        due = overdue_steps(conn, [state.company for state in fresh], health.now.date() + _AHEAD)
    for state in fresh:
        try:
            _look(roster, state, has_due=state.company in due)
        except (PuntualError, DBAPIError) as error:
            tell("cannot expect", logging.WARNING, company=state.company, why=type(error).__name__)
        except Exception:  # noqa: BLE001  # a plan that cannot be made is the trouble of that company
            tell("mistake", logging.ERROR, exc_info=True, company=state.company)
    return len(fresh)


def left_by(desk: Desk, on: date) -> set[str]:
    """The items that a plan of a day acts on, although the run of that day is over: not those that wait for a person's yes, and none that
    an attempt of that day was about."""
    discounting = Discounting(desk, on)
    discounting.judge()
    made = plan_of(desk, on, held=discounting.held())
    with reading(desk.engine) as conn:
        wanted = _wanted(desk, made, approved_keys(conn, desk.company))
        return wanted - tried_since(conn, desk.company, wanted, on)


def _look(roster: Roster, state: CompanyState, *, has_due: bool) -> None:
    ran = state.ran_ok_at or state.seen_at
    left: set[str] = set()
    if has_due:
        desk = roster.desk(state.company)
        left = left_by(desk, ran.astimezone(ZoneInfo(desk.policy.company.time_zone)).date())
    with writing(roster.engine) as conn:
        if left:
            note_unsent(conn, state.company, left, roster.clock.now())
        else:
            forget_unsent(conn, state.company)
        note_done(conn, state.company, DUTY, ran)


def _wanted(desk: Desk, made: Plan, approved: frozenset[str]) -> set[str]:
    actions = [action for action in made.actions if not waits_for_approval(action, desk.policy, approved)]
    return {entry.item.id for action in actions for entry in action.items}
