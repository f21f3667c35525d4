# A hold on the customer, with its last day; of two holds the longer one counts.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-08 invoice F-1 100.00 EUR due 2026-04-13
2026-04-13 hold customer until 2026-04-16 the owner is in hospital
2026-04-13 hold F-1 until 2026-04-22 we check the delivery note
2026-04-14 run
  nothing
  leave F-1 held until 2026-04-22
2026-04-22 run
  nothing
2026-04-23 run
  write Talleres Gómez reminder 100.00 EUR: F-1
