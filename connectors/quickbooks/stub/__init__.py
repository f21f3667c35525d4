"""A strict, stateful stand-in of QuickBooks Online over real HTTP, for the tests and for `puntual demo --ledger quickbooks`.

It shares no line with the connector, so that one misreading cannot hide the other. No live company stood beside it: it follows Intuit's
documentation, its published samples and schema, and answers that others recorded. Where these leave a question open there is a switch
(whether a payment moves the SyncToken of its invoice, whether a note moves its time, how long request ids are remembered, which code says
that the books are closed, whether a tax that the client states is kept), and where they contradict each other it takes the harder case.
What it lacks is refused as unsupported: it writes invoices and attached notes, and makes credit memos and payments; its company-wide
reports, uploads and webhooks are not there.
"""

from .books import QboBooks
from .faults import QboFault
from .oauth import Grant, OAuth
from .server import QboStub, Shape

__all__ = ["Grant", "OAuth", "QboBooks", "QboFault", "QboStub", "Shape"]
