# A level is due on its day or after it. The run of the exact day was missed, the next one writes.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-03-02 invoice F-1 100.00 EUR due 2026-04-13
2026-04-05 run
  nothing
  leave F-1 not_due_yet until 2026-04-05
2026-04-08 run
  write Talleres Gómez upcoming 100.00 EUR: F-1
2026-04-13 run
  nothing
2026-04-17 run
  write Talleres Gómez reminder 100.00 EUR: F-1
