# With a mail for each invoice, a credit holds each of them that it would cover: it may be that one's payment.
Policy: standard
  grouping: invoice
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-08 invoice F-1 80.00 EUR due 2026-04-13
2026-04-08 invoice F-2 120.00 EUR due 2026-04-13
2026-04-13 credit AB-1 100.00 EUR
2026-04-14 run
  write Talleres Gómez reminder 120.00 EUR: F-2 [credit AB-1 100.00 EUR]
  leave F-1 covered_by_credit
