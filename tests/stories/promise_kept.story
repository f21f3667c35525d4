# A promise stops the dunning of its invoice; the money comes, and nothing more is said.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-08 invoice F-1 710.00 EUR due 2026-04-13
2026-04-14 run
  write Talleres Gómez reminder 710.00 EUR: F-1
2026-04-15 promise F-1 2026-04-28 after the month's closing
2026-04-22 run
  nothing
  leave F-1 promised until 2026-04-30
2026-04-28 payment F-1 710.00
2026-04-28 run daily until 2026-06-30
  nothing
