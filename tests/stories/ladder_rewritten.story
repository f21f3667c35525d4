# The ladder is rewritten while an invoice is on it. Its level is gone, so it stands at the last one that is not later; it never falls.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-01 invoice F-1 100.00 EUR due 2026-04-06
2026-04-07 run daily until 2026-04-14
  2026-04-07 write Talleres Gómez reminder 100.00 EUR: F-1
  2026-04-14 write Talleres Gómez second 100.00 EUR: F-1
2026-04-20 policy
  procedures.standard: {levels: [{key: hello, days: 2, notice: reminder}, {key: gently, days: 7, notice: second}, {key: firmly, days: 16, notice: firm}]}
2026-04-20 run daily until 2026-05-31
  2026-04-23 write Talleres Gómez firmly 100.00 EUR: F-1
  2026-05-03 decide on Talleres Gómez 100.00 EUR: F-1
