# Maundy Thursday and Good Friday are holidays in Madrid, then comes the weekend; Easter Monday is none in Madrid.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-03-30 invoice F-1 100.00 EUR due 2026-04-01
2026-04-01 run daily until 2026-04-05
  nothing
  leave F-1 not_a_sending_day until 2026-04-05
2026-04-06 run
  write Talleres Gómez reminder 100.00 EUR: F-1
