# The company's own days off and its own sending days.
Policy: standard
  sending: {holidays: [2026-08-11, 2026-08-12, 2026-08-13], days: [tue, wed, thu]}
Customer: Talleres Gómez <pagos@gomez.example> es

2026-07-01 invoice F-1 100.00 EUR due 2026-08-10
2026-08-10 run daily until 2026-08-31
  2026-08-18 write Talleres Gómez reminder 100.00 EUR: F-1
  2026-08-25 write Talleres Gómez second 100.00 EUR: F-1
