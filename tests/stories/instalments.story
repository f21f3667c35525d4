# Each instalment has its own due date and its own place on the ladder.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-03-02 invoice F-1 300.00 EUR due 2026-04-13 + 300.00 EUR due 2026-05-13 + 300.00 EUR due 2026-06-15
2026-03-02 run daily until 2026-04-20
  2026-04-06 write Talleres Gómez upcoming 300.00 EUR: F-1 (1/3)
  2026-04-14 write Talleres Gómez reminder 300.00 EUR: F-1 (1/3)
2026-04-20 payment F-1 300.00
2026-04-21 run daily until 2026-05-14
  2026-05-06 write Talleres Gómez upcoming 300.00 EUR: F-1 (2/3)
  2026-05-14 write Talleres Gómez reminder 300.00 EUR: F-1 (2/3)
2026-05-14 payment F-1 500.00
2026-05-15 run daily until 2026-06-16
  2026-06-08 write Talleres Gómez upcoming 100.00 EUR: F-1 (3/3)
  2026-06-16 write Talleres Gómez reminder 100.00 EUR: F-1 (3/3)
