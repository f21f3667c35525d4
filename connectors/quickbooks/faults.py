"""What QuickBooks Online's refusals mean: one table from its codes to core.errors, and the shapes in which they come.

Codes: Intuit, "Error codes" (https://developer.intuit.com/app/developer/qbo/docs/develop/troubleshooting/error-codes). The service writes
`Fault`, its gateway `fault` in lower case or XML, what stands before that a web page; and an answer with status 200 may hold a `Fault`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ...core.errors import (
    AuthorizationExpired,
    BooksUnreadable,
    CompanyMustAct,
    LedgerUnavailable,
    PeriodLocked,
    PermissionMissing,
    PuntualError,
    RateLimited,
    RejectedByLedger,
    StaleVersion,
    UnexpectedResponse,
)
from ..http import Answer, Transport

_ERROR_OF_CODE: Mapping[str, type[PuntualError]] = MappingProxyType(
    {
        "100": AuthorizationExpired,  # general authentication error, as XML
        "120": PermissionMissing,  # the person who connected us is no longer an administrator
        "500": UnexpectedResponse,  # unsupported operation
        "610": RejectedByLedger,  # not found, or made inactive
        "3001": RateLimited,  # throttled
        "3100": PermissionMissing,  # this app may not open these books (wrong realm, or sandbox keys for a real company)
        "3200": AuthorizationExpired,  # access token refused
        "4000": UnexpectedResponse,  # query does not parse
        "4001": UnexpectedResponse,  # property is not queryable
        "4002": BooksUnreadable,  # a document whose data breaks the query (QuickBooks-V3-DotNET-SDK issue 111)
        "5010": StaleVersion,  # or the books are closed: see _CLOSED
        "6190": CompanyMustAct,  # subscription ended: reading goes on, writing fails
        "6210": PeriodLocked,
    }
)
_ERROR_OF_KIND: Mapping[str, type[PuntualError]] = MappingProxyType(
    {
        "validationfault": RejectedByLedger,
        "authentication": AuthorizationExpired,
        "authenticationfault": AuthorizationExpired,
        "authorizationfault": PermissionMissing,
        "authorization_fault": PermissionMissing,
        "systemfault": LedgerUnavailable,
        "servicefault": LedgerUnavailable,
    }
)
_HINTS: Mapping[str, str] = MappingProxyType(
    {
        "120": "Let an administrator of the company connect it again: puntual connect COMPANY",
        "3100": "Check that the app's keys and `environment` belong together, and connect the company again: puntual connect COMPANY",
        "4002": "Correct the e-mail address or text that it names in QuickBooks.",
        "6190": "Renew the company's QuickBooks subscription.",
    }
)
_CLOSED = re.compile(r"period\s+(has|is)?\s*closed|closing date|books (are|have been) closed|closed period", re.IGNORECASE)
"""`Account Period Closed` has come with code 5010, too (python-quickbooks issue 208): by the code alone one would try for ever."""

_XML_CODE = re.compile(rb"<Error[^>]*\bcode=\"(\d+)\"")
_XML_TEXT = re.compile(rb"<Message>([^<]*)</Message>")


@dataclass(frozen=True, slots=True)
class Fault:
    """One refusal: the vendor's code, its texts, and the kind of fault it belongs to."""

    code: str
    text: str
    kind: str = ""

    @property
    def says_closed(self) -> bool:
        """Whether it says that the books are closed, whatever its code."""
        return _CLOSED.search(self.text) is not None and self.code in ("5010", "6000", "6210", "")


def fault_in(said: Any) -> Fault | None:
    """The first fault in data, in either shape; None when there is none."""
    whole = (said.get("Fault") or said.get("fault")) if isinstance(said, Mapping) else None
    if not isinstance(whole, Mapping):
        return None
    errors = whole.get("Error") or whole.get("error") or [{}]
    first = errors[0] if isinstance(errors, list) and isinstance(errors[0], Mapping) else {}
    texts = [str(first.get(name) or "") for name in ("Message", "message", "Detail", "detail")]
    return Fault(str(first.get("code") or "").lstrip("0"), " ".join(_without_repeats(texts)), str(whole.get("type") or ""))


def _without_repeats(texts: list[str]) -> Iterator[str]:
    last = ""
    for text in filter(None, texts):
        if text != last:
            yield text
        last = text


def fault_of(answer: Answer) -> Fault | None:
    """The fault that an answer is, as JSON or as XML; None for a web page, or an answer without one."""
    if code := _XML_CODE.search(answer.body):
        text = _XML_TEXT.search(answer.body)
        return Fault(code[1].decode("ascii").lstrip("0"), text[1].decode("utf-8", "replace") if text else "")
    try:
        return fault_in(answer.json())
    except LedgerUnavailable:
        return None


def trace_of(answer: Answer) -> str:
    """Intuit's own number of the request, which its support asks for; empty when there is none."""
    found = re.fullmatch(r"[\w.:-]{1,80}", answer.headers.get("intuit_tid", ""))
    return f" (intuit_tid {found.group()})" if found else ""


def error_of(fault: Fault, transport: Transport, trace: str = "") -> PuntualError:
    """The error of ours for a fault. What nobody has listed is decided by the kind of the fault."""
    kind = PeriodLocked if fault.says_closed else _ERROR_OF_CODE.get(fault.code) or _ERROR_OF_KIND.get(fault.kind.lower())
    said = f"{transport.masked(fault.text) or 'QuickBooks gives no reason'} [{fault.code or fault.kind or 'no code'}]{trace}"
    if kind is RejectedByLedger:
        return RejectedByLedger(said, code=fault.code)
    return (kind or UnexpectedResponse)(said, hint=_HINTS.get(fault.code, ""))


def error_of_answer(answer: Answer, transport: Transport) -> PuntualError:
    """The error that a refused answer stands for."""
    fault, trace = fault_of(answer), trace_of(answer)
    if answer.status == 429 or (fault and fault.code == "3001"):
        return _throttled(answer, transport, trace)
    if fault and (fault.code in _ERROR_OF_CODE or fault.kind.lower() in _ERROR_OF_KIND or answer.status in (200, 400)):
        return error_of(fault, transport, trace)
    error = transport.error_of(answer)
    error.detail += trace
    return error


def _throttled(answer: Answer, transport: Transport, trace: str) -> PuntualError:
    """Asked too often. Without a Retry-After a minute is enough (Intuit, "Limits and throttles") and has been waited for already; what
    lasts longer looks the same and is the app's month that is used up."""
    error = transport.error_of(answer)
    wait = error.retry_after if isinstance(error, RateLimited) else None
    if answer.headers.get("retry-after"):
        return RateLimited(f"QuickBooks Online is asked too often.{trace}", retry_after=wait)
    return RateLimited(
        f"QuickBooks Online still refuses after a minute: perhaps the month's reads that Intuit allows the app are used up.{trace}",
        hint="See the app's usage at developer.intuit.com; more than the free 500,000 a month has to be bought.",
        retry_after=3600,
    )
