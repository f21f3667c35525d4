# A part payment lowers the amount and keeps the level; it begins no new cycle.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-03-02 invoice F-1 1210.00 EUR due 2026-04-01
2026-03-25 run
  write Talleres Gómez upcoming 1210.00 EUR: F-1
2026-04-06 payment F-1 500.00
2026-04-06 run
  write Talleres Gómez reminder 710.00 EUR: F-1
2026-04-06 run
  nothing
  leave F-1 not_due_yet until 2026-04-12
2026-04-13 run
  write Talleres Gómez second 710.00 EUR: F-1
2026-04-14 payment F-1 710.00
2026-04-15 run daily until 2026-06-30
  nothing
