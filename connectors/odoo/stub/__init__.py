"""A strict, stateful stand-in of Odoo over real HTTP, for the tests and for `puntual demo --ledger odoo`. It shares no line with the connector.

What its answers were checked against: a real 18.0-20250421 (Community, l10n_es) for the shape and content of every answer of /jsonrpc that it
gives, the names and texts of errors, the statuses of unknown routes, `load=None`, `write_date` in whole seconds, the text that
`activity_schedule` returns, the two lines of a part payment over two instalments, and the portal's redirects. The differences of 16, 17 and
19 (JSON-2, archived activities, `no_followup`, fields that come and go) follow measurements that were made on such servers before and
Odoo's documentation; they were not run again for this stand-in.
"""

from .books import StubBooks
from .faults import OdooFault
from .server import StubServer, Trouble

__all__ = ["OdooFault", "StubBooks", "StubServer", "Trouble"]
