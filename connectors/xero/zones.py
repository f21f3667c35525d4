"""Xero's names of time zones as IANA names.

Xero writes Windows names in upper case without spaces (`NEWZEALANDSTANDARDTIME`), and has sent some that were in no list of its own
(`UTC+13`, https://github.com/XeroAPI/xero-ruby/issues/65).
"""

import re
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tzlocal.windows_tz import win_tz

# Two that CLDR's table (windowsZones.xml) no longer has.
_MISSING = {"KAMCHATKASTANDARDTIME": "Asia/Kamchatka", "MIDATLANTICSTANDARDTIME": "Etc/GMT+2"}
_OFFSET = re.compile(r"UTC([+-]?)(\d{1,2})")


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    return {_squeezed(name): zone for name, zone in win_tz.items()} | _MISSING


def _squeezed(name: str) -> str:
    return re.sub(r"[\s().]", "", name).upper()


@lru_cache(maxsize=256)
def iana_zone(name: str) -> str:
    """The IANA name of a zone as Xero writes it; empty when it is unknown.

    Whole hours from UTC are understood in any spelling. Xero's `UTC02`, `UTC08`, `UTC09` and `UTC11` are west of Greenwich: Windows has
    them as UTC-02 and so on, and the sign was lost with the spaces.
    """
    squeezed = _squeezed(name)
    known = _zones().get(squeezed, "")
    if known or not (match := _OFFSET.fullmatch(squeezed)):
        return known
    # The signs of Etc/GMT are those of POSIX, the other way round.
    zone = f"Etc/GMT{'-' if match[1] == '+' else '+'}{int(match[2])}"
    try:
        return ZoneInfo(zone).key
    except ZoneInfoNotFoundError:
        return ""
