# A void invoice never was owed: it falls out, the rest goes on.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-08 invoice F-1 100.00 EUR due 2026-04-13
2026-04-08 invoice F-2 70.00 EUR due 2026-04-13
2026-04-14 run
  write Talleres Gómez reminder 170.00 EUR: F-1, F-2
2026-04-20 void F-2
2026-04-21 run
  write Talleres Gómez second 100.00 EUR: F-1
