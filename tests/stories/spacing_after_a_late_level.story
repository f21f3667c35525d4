# The reminder went out late because of a hold; the second one still leaves the seven days that the ladder puts between them.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-01 invoice F-1 100.00 EUR due 2026-04-13
2026-04-13 hold F-1 until 2026-04-23 we look for the delivery note
2026-04-14 run daily until 2026-05-20
  2026-04-24 write Talleres Gómez reminder 100.00 EUR: F-1
  2026-05-04 write Talleres Gómez second 100.00 EUR: F-1
  2026-05-18 write Talleres Gómez firm 100.00 EUR: F-1
