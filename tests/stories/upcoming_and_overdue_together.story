# What is overdue and what will be due go in one message, with the reminder's text.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-03-02 invoice F-1 100.00 EUR due 2026-04-13
2026-03-02 invoice F-2 70.00 EUR due 2026-04-20
2026-04-10 hold customer until 2026-04-13 new accountant there
2026-04-14 run
  write Talleres Gómez reminder 170.00 EUR: F-1, F-2
2026-04-21 run
  write Talleres Gómez second 170.00 EUR: F-1, F-2
