# Nobody is asked for yen without being told where to pay yen; the euros are asked for.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-08 invoice F-1 100.00 EUR due 2026-04-13
2026-04-08 invoice F-2 50000 JPY due 2026-04-13
2026-04-14 run
  write Talleres Gómez reminder 100.00 EUR: F-1
  leave F-2 no_payment_details
2026-04-21 policy
  payment_details.JPY: {account: "7654321"}
2026-04-21 run
  write Talleres Gómez second 100.00 EUR + 50000 JPY: F-1, F-2
