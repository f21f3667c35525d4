# Nobody to write to: work for a person, once. When an address is found, the ladder begins where it stood.
Policy: standard
Customer: Talleres Gómez es

2026-04-08 invoice F-1 100.00 EUR due 2026-04-13
2026-04-14 run
  find an address of Talleres Gómez 100.00 EUR: F-1
2026-04-15 run daily until 2026-05-20
  nothing
  leave F-1 no_address
2026-05-21 customer email pagos@gomez.example
2026-05-21 run
  write Talleres Gómez reminder 100.00 EUR: F-1
