# Three invoices are due for a message: one mail, the total, the notice of the highest level.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-03-02 invoice F-1 100.00 EUR due 2026-04-07
2026-03-02 invoice F-2 50.50 EUR due 2026-04-14
2026-03-02 invoice F-3 20.00 EUR due 2026-04-13
2026-04-08 run
  write Talleres Gómez reminder 170.50 EUR: F-1, F-3, F-2
2026-04-15 run
  write Talleres Gómez second 170.50 EUR: F-1, F-3, F-2
