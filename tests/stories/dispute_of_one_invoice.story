# A dispute takes its invoice out of the mail and out of the total, and nothing else. When it is settled, that invoice goes on.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-08 invoice F-1 100.00 EUR due 2026-04-13
2026-04-08 invoice F-2 70.00 EUR due 2026-04-13
2026-04-14 run
  write Talleres Gómez reminder 170.00 EUR: F-1, F-2
2026-04-16 dispute F-2 two chairs were missing
2026-04-21 run
  write Talleres Gómez second 100.00 EUR: F-1
  leave F-2 disputed
2026-04-29 release dispute F-2
2026-04-29 run
  write Talleres Gómez second 70.00 EUR: F-2
