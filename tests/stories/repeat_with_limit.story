# The second notice is repeated twice, then the ladder goes on.
Policy: standard
  procedures.standard: {levels: [{key: reminder, days: 1, notice: reminder}, {key: second, days: 8, notice: second, repeat: {every_days: 7, at_most: 2}}, {key: firm, days: 30, notice: firm}]}
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-01 invoice F-1 100.00 EUR due 2026-04-06
2026-04-06 run daily until 2026-07-31
  2026-04-07 write Talleres Gómez reminder 100.00 EUR: F-1
  2026-04-14 write Talleres Gómez second 100.00 EUR: F-1
  2026-04-21 write Talleres Gómez second 100.00 EUR: F-1
  2026-04-28 write Talleres Gómez second 100.00 EUR: F-1
  2026-05-06 write Talleres Gómez firm 100.00 EUR: F-1
  2026-05-16 decide on Talleres Gómez 100.00 EUR: F-1
