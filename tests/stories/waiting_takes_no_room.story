# One notice a day. A final notice that waits for approval takes no room: the reminders behind it go out, one a day.
Policy: standard
  sending.daily_limit: 1
  procedures.standard: {levels: [{key: reminder, days: 1, notice: reminder}, {key: final, days: 15, notice: final, needs_approval: true}]}
Customer: Talleres Gómez <pagos@gomez.example> es
Customer: Bar Luna <hola@luna.example> es
Customer: Padaria Sol <sol@padaria.example> es

2026-04-01 invoice F-1 100.00 EUR due 2026-04-06
2026-04-07 run
  write Talleres Gómez reminder 100.00 EUR: F-1
2026-04-10 invoice F-2 50.00 EUR due 2026-04-20 for Bar Luna
2026-04-10 invoice F-3 40.00 EUR due 2026-04-20 for Padaria Sol
2026-04-21 run
  ask to write Talleres Gómez final 100.00 EUR: F-1
  write Bar Luna reminder 50.00 EUR: F-2
  leave F-3 daily_limit until 2026-04-21
2026-04-22 run
  ask to write Talleres Gómez final 100.00 EUR: F-1
  write Padaria Sol reminder 40.00 EUR: F-3
