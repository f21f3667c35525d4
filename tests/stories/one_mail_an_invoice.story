# A company that wants a mail for each invoice gets that, on one day; the gap then holds for all of them.
Policy: standard
  grouping: invoice
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-08 invoice F-1 100.00 EUR due 2026-04-13
2026-04-08 invoice F-2 70.00 EUR due 2026-04-13
2026-04-08 invoice F-3 30.00 EUR due 2026-04-15
2026-04-14 run
  write Talleres Gómez reminder 100.00 EUR: F-1
  write Talleres Gómez reminder 70.00 EUR: F-2
2026-04-16 run
  nothing
  leave F-3 contacted_recently until 2026-04-19
2026-04-20 run
  write Talleres Gómez reminder 30.00 EUR: F-3
