# An invoice that is itself sent five days before it is due needs no notice of a week before.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-15 invoice F-1 100.00 EUR due 2026-04-20
2026-04-15 run daily until 2026-04-21
  2026-04-21 write Talleres Gómez reminder 100.00 EUR: F-1
