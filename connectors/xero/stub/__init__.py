"""A strict, stateful stand-in of Xero over real HTTP, for the tests and for `puntual demo --ledger xero`.

It shares no line with the connector, so that one misreading cannot hide the other. It follows Xero's public documentation, its OpenAPI
description and what developers report in public (the statuses and details of 401 and 403, history notes on paid and void invoices); it was
never compared with a live organisation. What is not documented is a switch in `Behaviour`, so that a connector can be shown to bear either
answer. Where Xero keeps silent about what it does not understand, so does this: unknown parameters and fields are passed over.
"""

from .books import XeroBooks
from .documents import Behaviour, Line, Person
from .faults import Invalid
from .oauth import LEAST, REDIRECT_URI, Granted
from .server import XeroStub

__all__ = ["LEAST", "REDIRECT_URI", "Behaviour", "Granted", "Invalid", "Line", "Person", "XeroBooks", "XeroStub"]
