# A smaller credit is shown; one of at least the amount due holds the notice until somebody allocates it.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-08 invoice F-1 100.00 EUR due 2026-04-13
2026-04-08 invoice F-2 50.00 EUR due 2026-04-13
2026-04-13 credit AB-1 149.99 EUR
2026-04-14 run
  write Talleres Gómez reminder 150.00 EUR: F-1, F-2 [credit AB-1 149.99 EUR]
2026-04-20 credit AB-2 0.01 EUR
2026-04-21 run
  nothing
  leave F-1 covered_by_credit
  leave F-2 covered_by_credit
2026-04-22 allocate AB-1 F-1 100.00
2026-04-22 allocate AB-2 F-2 0.01
2026-04-22 run
  nothing
  leave F-2 covered_by_credit
2026-04-23 allocate AB-1 F-2 49.90
2026-04-23 run
  nothing
  leave F-2 covered_by_credit
