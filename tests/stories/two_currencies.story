# Euros and dollars in one message, each with its own total; a credit in dollars covers only dollars.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-08 invoice F-1 100.00 EUR due 2026-04-13
2026-04-08 invoice F-2 250.00 USD due 2026-04-13
2026-04-14 run
  write Talleres Gómez reminder 100.00 EUR + 250.00 USD: F-1, F-2
2026-04-20 credit AB-1 250.00 USD
2026-04-21 run
  write Talleres Gómez second 100.00 EUR: F-1
  leave F-2 covered_by_credit
