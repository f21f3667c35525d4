# A ladder of calls has no mail to put a summary in: old debt enters at its first level, and not before that level's day.
Policy: standard
  go_live: {date: 2026-04-14, old_debt: one_summary}
  procedures.standard: {levels: [{key: call, days: 3, channel: call}]}
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-01 invoice F-1 100.00 EUR due 2026-04-13
2026-04-14 run
  nothing
2026-04-16 run
  call Talleres Gómez 100.00 EUR: F-1
