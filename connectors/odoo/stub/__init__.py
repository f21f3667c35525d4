"""A strict, stateful stand-in of Odoo over real HTTP, for the tests and for `puntual demo --ledger odoo`.

It shares no line with the connector, so that one misreading cannot hide the other. Its answers were checked against a real 18.0-20250421
(Community, l10n_es): the shape and content of every answer of /jsonrpc that it gives, the names and texts of errors, statuses of unknown
routes, `load=None`, `write_date` in whole seconds, what `activity_schedule` returns, the reconciliations of a part payment over two
instalments, the portal's redirect for a wrong token. Credit notes from draft to use, cancelling, registered payments and their refusals
were recorded on 17.0, too, and the tests compare them step by step. The other differences of 16, 17 and 19 (JSON-2, archived activities,
`no_followup`, fields that come and go) follow earlier measurements on such servers and Odoo's documentation and were not run again for this
stand-in. On 16 it leaves `move_type` off the lines, which is the harder case. It knows no rates: one unit of each currency is one of the
company's.
"""

from .books import StubBooks
from .faults import OdooFault
from .server import OdooStub

__all__ = ["OdooFault", "OdooStub", "StubBooks"]
