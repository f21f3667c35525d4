# Books that write 9999-12-31 for "no due date" are read like any others.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-08 invoice F-1 100.00 EUR due 2026-04-13
2026-04-08 invoice F-2 70.00 EUR due 9999-12-31
2026-04-14 run
  write Talleres Gómez reminder 100.00 EUR: F-1
  leave F-2 not_due_yet until 9999-12-23
