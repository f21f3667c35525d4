# Old debt enters at the level of its age on the day of go-live, and rises from there.
Policy: standard
  go_live: {date: 2026-04-06, old_debt: matching_level}
Customer: Talleres Gómez <pagos@gomez.example> es
Customer: Bar Luna <hola@luna.example> es
Customer: Padaria Sol <sol@padaria.example> es

2026-02-02 invoice F-1 100.00 EUR due 2026-03-13
2026-02-02 invoice F-2 50.00 EUR due 2026-03-27 for Bar Luna
2026-02-02 invoice F-3 40.00 EUR due 2025-03-27 for Padaria Sol
2026-04-06 run
  ask to write Padaria Sol final 40.00 EUR: F-3
  write Talleres Gómez firm 100.00 EUR: F-1
  write Bar Luna second 50.00 EUR: F-2
2026-04-13 run
  ask to write Padaria Sol final 40.00 EUR: F-3
  call Talleres Gómez 100.00 EUR: F-1
