# A second invoice of a customer without an address is put on the list too, the first one is not put there again.
Policy: standard
Customer: Talleres Gómez <no tiene correo> es

2026-04-08 invoice F-1 100.00 EUR due 2026-04-13
2026-04-08 invoice F-2 50.00 EUR due 2026-04-15
2026-04-14 run
  find an address of Talleres Gómez 100.00 EUR: F-1
2026-04-16 run
  find an address of Talleres Gómez 50.00 EUR: F-2
  leave F-1 no_address
2026-04-17 run
  nothing
