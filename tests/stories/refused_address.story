# The mail server refused the address: the next rung of the recipient ladder is written to.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es (contact Eva <EVA@gomez.example> accounts_payable)

2026-04-08 invoice F-1 100.00 EUR due 2026-04-13
2026-04-14 run
  write Talleres Gómez reminder 100.00 EUR: F-1 [to EVA@gomez.example]
2026-04-15 refused eva@gomez.example
2026-04-21 run
  write Talleres Gómez second 100.00 EUR: F-1
2026-04-22 refused pagos@gomez.example
2026-05-05 run
  find an address of Talleres Gómez 100.00 EUR: F-1
