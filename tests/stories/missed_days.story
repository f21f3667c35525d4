# Puntual did not run for two months: one message, at the first level that is due, and never a burst.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-01-07 invoice F-1 100.00 EUR due 2026-02-02
2026-03-31 run daily until 2026-04-30
  2026-03-31 write Talleres Gómez reminder 100.00 EUR: F-1
  2026-04-07 write Talleres Gómez second 100.00 EUR: F-1
  2026-04-20 write Talleres Gómez firm 100.00 EUR: F-1
  2026-04-27 call Talleres Gómez 100.00 EUR: F-1
