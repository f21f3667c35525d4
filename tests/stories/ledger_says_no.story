# The ledger's own mark on the invoice or on the customer is respected.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es
Customer: Bar Luna <hola@luna.example> es (no-chasing blocked for reminders)

2026-04-08 invoice F-1 100.00 EUR due 2026-04-13
2026-04-08 invoice F-2 50.00 EUR due 2026-04-13
2026-04-08 invoice F-3 60.00 EUR due 2026-04-13 for Bar Luna
2026-04-10 ledger no-chasing F-2 no follow-up
2026-04-14 run
  write Talleres Gómez reminder 100.00 EUR: F-1
  leave F-2 ledger_says_no
  leave F-3 ledger_says_no
