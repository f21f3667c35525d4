# The customer's own setting in the ledger names its procedure; `none` means not at all; an unknown name stops and says so.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es (procedure gentle)

2026-04-08 invoice F-1 100.00 EUR due 2026-04-13
2026-04-14 run
  nothing
  leave F-1 not_due_yet until 2026-04-22
2026-04-23 run
  write Talleres Gómez friendly 100.00 EUR: F-1
2026-05-20 customer procedure gentel
2026-05-20 run
  nothing
  leave F-1 no_procedure
2026-05-21 customer procedure none
2026-05-21 run
  nothing
  leave F-1 excluded
2026-05-22 customer procedure gentle
2026-05-22 run
  write Talleres Gómez again 100.00 EUR: F-1
