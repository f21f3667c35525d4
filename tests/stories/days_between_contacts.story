# At least six days between two contacts; a mail that a person sent by hand counts.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-08 invoice F-1 100.00 EUR due 2026-04-13
2026-04-13 contacted mail by hand, found in the ledger
2026-04-14 run
  nothing
  leave F-1 contacted_recently until 2026-04-18
2026-04-20 run
  write Talleres Gómez reminder 100.00 EUR: F-1
2026-04-25 contacted telephone call, found in the ledger
2026-04-27 run daily until 2026-05-04
  2026-05-04 write Talleres Gómez second 100.00 EUR: F-1
