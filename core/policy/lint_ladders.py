"""Impossible ladders: levels that could never be carried out as they are written, or that would grow friendlier."""

from collections.abc import Iterator
from itertools import pairwise

from .problems import Finding, Path
from .schema import Channel, Level, NoticeKind, Procedure
from .sections import Section

FIRMNESS = {NoticeKind.REMINDER: 1, NoticeKind.SECOND: 2, NoticeKind.FIRM: 3, NoticeKind.FINAL: 4}
"""The order of the overdue notices: a ladder never goes back in it."""

Rung = tuple[Path, Level]


def ladder_findings(policy: Section, sending: Section) -> Iterator[Finding]:
    """Everything impossible in the ladders, judged on the levels that are sound by themselves."""
    for procedure in policy.named("procedures", Procedure):
        rungs = list(_sound_levels(procedure))
        for path, level in rungs:
            yield from _level(path, level)
            yield from _repeat(path, level, sending.sound("min_days_between_contacts"))
        yield from _keys(rungs)
        yield from _order(rungs)
        yield from _tone(rungs)


def _sound_levels(procedure: Section) -> Iterator[Rung]:
    if procedure.sound("levels") is not None:
        yield from (((*procedure.path, "levels", number), level) for number, level in enumerate(procedure.sound("levels")))
        return
    for entry in procedure.entries("levels", Level):
        values = {name: entry.sound(name) for name in Level.model_fields}
        if values["key"] and values["days"] is not None and values["channel"] and (values["notice"] or not entry.given("notice")):
            yield entry.path, Level.model_construct(**values)


def _level(path: Path, level: Level) -> Iterator[Finding]:
    if level.channel is Channel.CALL:
        yield from _call(path, level)
    elif level.notice is None:
        yield Finding(path, f"level `{level.key}` is an e-mail without a text", "add `notice:`, for example `notice: reminder`")
    elif level.notice is NoticeKind.SUMMARY:
        yield Finding(
            (*path, "notice"), "`summary` cannot stand in a ladder", "it is sent once at go-live, by `go_live.old_debt: one_summary`"
        )
    else:
        yield from _notice_fits(path, level, level.notice)


def _call(path: Path, level: Level) -> Iterator[Finding]:
    if level.notice is not None:
        yield Finding((*path, "notice"), f"level `{level.key}` is a call, which has no text", "leave out `notice`, or use `channel: email`")
    if level.days < 0:
        yield Finding((*path, "days"), f"level `{level.key}` would call before the due date", "a call belongs after it: `days: 15`")


def _notice_fits(path: Path, level: Level, notice: NoticeKind) -> Iterator[Finding]:
    fits, when = {
        NoticeKind.BEFORE_DUE: (level.days < 0, "before the due date, so `days` must be below 0"),
        NoticeKind.DUE: (level.days == 0, "on the due date, so `days` must be 0"),
    }.get(notice, (level.days > 0, "after the due date, so `days` must be above 0"))
    if not fits:
        yield Finding(
            (*path, "days"), f"`{notice}` is for contacts {when}, not {level.days}", "-7 is a week before the due date, 1 the day after"
        )


def _repeat(path: Path, level: Level, gap: int | None) -> Iterator[Finding]:
    if level.repeat is None:
        return
    last = level.days + level.repeat.every_days * level.repeat.at_most
    if (level.notice is NoticeKind.BEFORE_DUE and last >= 0) or level.notice is NoticeKind.DUE:
        yield Finding((*path, "repeat"), f"the repeats of level `{level.key}` go on to day {last}, when `{level.notice}` is no longer true")
    if gap is not None and level.repeat.every_days < gap:
        yield Finding(
            (*path, "repeat", "every_days"),
            f"level `{level.key}` repeats every {level.repeat.every_days} days, but contacts are at least {gap} days apart",
            "raise `every_days`, or lower `sending.min_days_between_contacts`",
        )


def _keys(rungs: list[Rung]) -> Iterator[Finding]:
    seen: set[str] = set()
    for path, level in rungs:
        if level.key in seen:
            yield Finding(
                (*path, "key"), f"the key `{level.key}` stands twice in this ladder", "each level needs its own, history counts by it"
            )
        seen.add(level.key)


def _order(rungs: list[Rung]) -> Iterator[Finding]:
    for (before, lower), (path, higher) in pairwise(rungs):
        if higher.days <= lower.days:
            yield Finding(
                (*path, "days"),
                f"level `{higher.key}` (day {higher.days}) does not come after `{lower.key}` (day {lower.days})",
                "order levels by rising days",
            )
        elif lower.repeat and (last := lower.days + lower.repeat.every_days * lower.repeat.at_most) >= higher.days:
            yield Finding(
                (*before, "repeat"),
                f"the repeats of level `{lower.key}` go on to day {last}, but level `{higher.key}` starts on day {higher.days}",
                "lower `at_most` or `every_days`",
            )


def _tone(rungs: list[Rung]) -> Iterator[Finding]:
    firmest: Level | None = None
    for path, level in rungs:
        if level.notice not in FIRMNESS:
            continue
        if firmest and firmest.notice and FIRMNESS[level.notice] < FIRMNESS[firmest.notice]:
            yield Finding(
                (*path, "notice"),
                f"`{level.notice}` is friendlier than `{firmest.notice}` of level `{firmest.key}` before it",
                "reminder, second, firm, final",
            )
        else:
            firmest = level
