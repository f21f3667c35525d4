# A customer promises to pay everything. What became due only after the promised day was not promised, so no mail says it was.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-08 invoice F-1 710.00 EUR due 2026-04-13
2026-04-08 invoice F-2 90.00 EUR due 2026-04-30
2026-04-14 promise customer 2026-04-28 all of it
2026-05-04 run
  write Talleres Gómez reminder 800.00 EUR: F-1, F-2 [F-1 promised for 2026-04-28]
