# A company that gives banks five days waits five days after the promised one.
Policy: standard
  promises: {grace_days: 5}
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-01 invoice F-1 710.00 EUR due 2026-04-06
2026-04-06 promise F-1 2026-04-08
2026-04-07 run daily until 2026-04-14
  2026-04-14 write Talleres Gómez reminder 710.00 EUR: F-1 [F-1 promised for 2026-04-08]
