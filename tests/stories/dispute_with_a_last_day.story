# A dispute that was given a last day ends with it.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-08 invoice F-1 100.00 EUR due 2026-04-13
2026-04-13 dispute F-1 until 2026-04-20 they send photographs by then
2026-04-20 run
  nothing
  leave F-1 disputed until 2026-04-20
2026-04-21 run
  write Talleres Gómez reminder 100.00 EUR: F-1
