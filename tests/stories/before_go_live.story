# Before go-live nothing is sent at all; on the day itself it begins.
Policy: standard
  go_live: {date: 2026-04-20, old_debt: one_summary}
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-01 invoice F-1 100.00 EUR due 2026-04-27
2026-04-17 run
  nothing
  leave F-1 before_go_live until 2026-04-19
2026-04-20 run
  write Talleres Gómez upcoming 100.00 EUR: F-1
