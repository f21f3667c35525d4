# A new promise after a broken one: the later day counts.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-01 invoice F-1 710.00 EUR due 2026-04-06
2026-04-06 promise F-1 2026-04-08
2026-04-13 promise F-1 2026-04-20
2026-04-13 run daily until 2026-04-23
  2026-04-23 write Talleres Gómez reminder 710.00 EUR: F-1 [F-1 promised for 2026-04-20]
