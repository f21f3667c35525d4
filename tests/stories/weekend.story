# The day after the due date is a Saturday: the reminder waits for Monday.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-05-04 invoice F-1 100.00 EUR due 2026-05-15
2026-05-16 run
  nothing
  leave F-1 not_a_sending_day until 2026-05-17
2026-05-17 run
  nothing
2026-05-18 run
  write Talleres Gómez reminder 100.00 EUR: F-1
