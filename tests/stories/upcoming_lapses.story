# Nobody is told on the 14th that something will be due on the 13th.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-03-02 invoice F-1 100.00 EUR due 2026-04-13
2026-04-13 run
  nothing
  leave F-1 not_due_yet until 2026-04-13
2026-04-14 run
  write Talleres Gómez reminder 100.00 EUR: F-1
