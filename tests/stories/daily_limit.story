# Two notices a day; the longest overdue goes first, the rest waits for the next day.
Policy: standard
  sending.daily_limit: 2
Customer: Talleres Gómez <pagos@gomez.example> es
Customer: Bar Luna <hola@luna.example> es
Customer: Padaria Sol <sol@padaria.example> es

2026-04-08 invoice F-1 100.00 EUR due 2026-04-13
2026-04-08 invoice F-2 50.00 EUR due 2026-04-12 for Bar Luna
2026-04-08 invoice F-3 40.00 EUR due 2026-04-11 for Padaria Sol
2026-04-14 run
  write Padaria Sol reminder 40.00 EUR: F-3
  write Bar Luna reminder 50.00 EUR: F-2
  leave F-1 daily_limit until 2026-04-14
2026-04-14 run
  nothing
2026-04-15 run
  write Talleres Gómez reminder 100.00 EUR: F-1
