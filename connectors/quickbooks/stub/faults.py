"""How QuickBooks Online refuses: codes with their texts, and the shapes in which a refusal comes over the wire.

The service itself answers with `Fault` (upper case); its gateway with `fault` (lower case, an epoch time) or XML; what stands before the
gateway with a web page. The texts are those of recorded answers where there is one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

VALIDATION = "ValidationFault"


class QboFault(Exception):
    """A refusal by the service: one error with its code."""

    def __init__(self, code: str, message: str, detail: str, *, element: str = "", status: int = 400, kind: str = VALIDATION) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message
        self.detail = detail
        self.element = element
        self.status = status
        self.kind = kind

    def body(self) -> dict[str, Any]:
        """The `Fault` as it stands in an answer, or in one item of a batch."""
        error = {"Message": self.message, "Detail": self.detail, "code": self.code, "element": self.element}
        return {"Error": [error], "type": self.kind}


@dataclass(frozen=True, slots=True)
class GatewayFault(Exception):
    """A refusal by the gateway: the call never reached the books."""

    status: int
    code: str
    message: str
    kind: str

    def lower_case(self, millis: int) -> dict[str, Any]:
        """The shape with `fault` in lower case; `millis` is the instant in milliseconds since 1970."""
        text = f"message={self.message}; errorCode={int(self.code):06d}; statusCode={self.status}"
        fault = {"error": [{"message": text, "detail": self.message, "code": self.code, "element": None}], "type": self.kind}
        empty: Mapping[str, Any] = dict.fromkeys(("warnings", "intuitObject", "report", "queryResponse"))
        rest: Mapping[str, Any] = {"batchItemResponse": [], "attachableResponse": [], "syncErrorResponse": None, "requestId": None}
        return {**empty, "fault": fault, **rest, "time": millis, "status": None, "cdcresponse": []}

    def upper_case(self, time: str) -> dict[str, Any]:
        """The shape that looks like a refusal by the service."""
        text = f"message={self.message}; errorCode={int(self.code):06d}; statusCode={self.status}"
        error = {"Message": text, "Detail": self.message, "code": self.code, "element": ""}
        return {"Fault": {"Error": [error], "type": self.kind}, "time": time}

    def xml(self, time: str) -> str:
        """The shape in XML, which comes whatever was asked for."""
        text = f"message={self.message}; errorCode={int(self.code):06d}; statusCode={self.status}"
        return xml_fault(self.code, text, self.kind, time)


def xml_fault(code: str, message: str, kind: str, time: str) -> str:
    """A refusal in XML."""
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        f'<IntuitResponse time={quoteattr(time)} xmlns="http://schema.intuit.com/finance/v3"><Fault type={quoteattr(kind)}>'
        f"<Error code={quoteattr(code)}><Message>{escape(message)}</Message></Error></Fault></IntuitResponse>"
    )


NOT_AUTHENTICATED = GatewayFault(401, "3200", "AuthenticationFailed", "AUTHENTICATION")
NOT_AUTHORIZED = GatewayFault(403, "3100", "ApplicationAuthorizationFailed", "AUTHORIZATION_FAULT")
THROTTLED = GatewayFault(429, "3001", "ThrottleExceeded", "ThrottleExceeded")


def not_found(kind: str = "customers") -> QboFault:
    """What is asked for is not there, or was made inactive."""
    text = f"Something you're trying to use has been made inactive. Check the fields with accounts, {kind}, items, vendors or employees."
    return QboFault("610", "Object Not Found", f"Object Not Found : {text}")


def stale() -> QboFault:
    """The SyncToken is not the last one."""
    text = "You and Ana Admin were working on this at the same time. Ana Admin finished before you did, so your work was not saved."
    return QboFault("5010", "Stale Object Error", f"Stale Object Error : {text}")


def period_closed(code: str) -> QboFault:
    """The books are closed up to a later day. The code is 6210, or sometimes 5010 as for something stale."""
    text = "The account period has closed and the account books cannot be updated through through the QBO Services API."
    detail = f"{text} Please use the QBO website to make these changes."
    return QboFault(code, "Account Period Closed, Cannot Update Through Services API", detail)


def missing(parameter: str) -> QboFault:
    """Something that must be given is not."""
    message = "Required param missing, need to supply the required value for the API"
    return QboFault("2020", message, f"Required parameter {parameter} is missing in the request", element=parameter)


def invalid_reference(what: str, key: str) -> QboFault:
    """A reference leads nowhere."""
    return QboFault("2500", "Invalid Reference Id", f"Invalid Reference Id : {what} element id {key} not found")


def too_long(name: str, most: int, given: int) -> QboFault:
    """A text has too many characters."""
    message = "String length is either shorter or longer than supported by specification"
    return QboFault("2050", message, f"{message} : Min:0 Max:{most} supported. Supplied length:{given}", element=name)


def unsupported_property(name: str) -> QboFault:
    """A property that the entity does not have, or a value that it cannot take."""
    message = "Request has invalid or unsupported property"
    return QboFault("2010", message, f"Property Name:{name} specified is unsupported or invalid", element=name)


def business_rule(text: str) -> QboFault:
    """What the program would refuse to a bookkeeper, too."""
    message = "A business validation error has occurred while processing your request"
    return QboFault("6000", message, f"Business Validation Error: {text}")


def duplicate_number(number: str, key: str) -> QboFault:
    """The number of a document has been used."""
    text = "You must specify a different number. This number has already been used."
    detail = f"Duplicate Document Number Error : {text} DocNumber={number} is assigned to TxnType=Invoice with TxnId={key}"
    return QboFault("6140", "Duplicate Document Number Error", detail)


def unsupported_operation(text: str) -> QboFault:
    """The service does not do this, or this stand-in does not."""
    return QboFault("500", "Unsupported Operation", f"Operation {text} is not supported.", status=400)


def query_parser(text: str) -> QboFault:
    """The query is no query."""
    return QboFault("4000", "Error parsing query", f"QueryParserError: {text}")


def query_invalid(text: str) -> QboFault:
    """The query asks for what cannot be asked."""
    return QboFault("4001", "Invalid query", f"QueryValidationError: {text}")
