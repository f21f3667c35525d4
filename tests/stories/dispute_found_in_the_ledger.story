# The bookkeeper marked the invoice as disputed in the ledger itself.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-08 invoice F-1 100.00 EUR due 2026-04-13
2026-04-13 ledger disputed F-1 wrong price
2026-04-14 run
  nothing
  leave F-1 disputed
2026-04-15 ledger disputed F-1
2026-04-15 run
  write Talleres Gómez reminder 100.00 EUR: F-1
