# Five euros are not worth a letter; one cent more is.
Policy: standard
  tolerance: {EUR: 5}
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-08 invoice F-1 100.00 EUR due 2026-04-13
2026-04-08 invoice F-2 5.01 EUR due 2026-04-13
2026-04-13 payment F-1 95.00
2026-04-14 run
  write Talleres Gómez reminder 5.01 EUR: F-2
  leave F-1 within_tolerance
