# What was due before go-live is never chased.
Policy: standard
  go_live: {date: 2026-04-06, old_debt: ignore}
Customer: Talleres Gómez <pagos@gomez.example> es

2025-11-03 invoice F-1 100.00 EUR due 2026-04-05
2026-03-02 invoice F-2 50.00 EUR due 2026-04-06
2026-04-06 run daily until 2026-04-10
  2026-04-07 write Talleres Gómez reminder 50.00 EUR: F-2
  leave F-1 old_debt_ignored
