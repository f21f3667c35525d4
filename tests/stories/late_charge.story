# A document of our own that charges lateness is not chased, however old it grows; its invoice climbs its ladder as if it were not there.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-08 invoice F-1 710.00 EUR due 2026-04-13
2026-04-14 run
  write Talleres Gómez reminder 710.00 EUR: F-1
2026-04-15 invoice R-1 40.00 EUR due 2026-04-20
2026-04-15 ledger late-charge R-1
2026-04-21 run
  write Talleres Gómez second 710.00 EUR: F-1
  leave R-1 late_charge
2026-04-22 payment F-1 710.00
2026-04-22 run daily until 2026-07-31
  nothing
  leave R-1 late_charge
