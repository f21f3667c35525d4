# The due date moved in the ledger: nothing until the new one is past, then the ladder goes on where it was.
Policy: standard
  procedures.standard: {levels: [{key: reminder, days: 1, notice: reminder, repeat: {every_days: 7, at_most: 1}}, {key: second, days: 15, notice: second}]}
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-01 invoice F-1 100.00 EUR due 2026-04-06
2026-04-07 run
  write Talleres Gómez reminder 100.00 EUR: F-1
2026-04-08 ledger due F-1 2026-05-11
2026-04-08 run daily until 2026-06-30
  2026-05-19 write Talleres Gómez reminder 100.00 EUR: F-1
  2026-05-26 write Talleres Gómez second 100.00 EUR: F-1
  2026-06-05 decide on Talleres Gómez 100.00 EUR: F-1
