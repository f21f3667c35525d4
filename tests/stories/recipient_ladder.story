# The contact on the invoice first, then the one for invoices, and at last the parent company.
Policy: standard
Customer: Talleres Gómez es (parent Grupo Gómez; contact Eva <eva@gomez.example> invoice; contact Luis <luis@gomez.example> general; contact Lea <lea@gomez.example> escalation en)
Customer: Grupo Gómez <central@grupo.example> es

2026-04-08 invoice F-1 100.00 EUR due 2026-04-13 to Luis
2026-04-14 run
  write Talleres Gómez reminder 100.00 EUR: F-1 [to luis@gomez.example]
2026-04-14 payment F-1 100.00
2026-04-15 invoice F-2 50.00 EUR due 2026-04-20
2026-04-21 run
  write Talleres Gómez reminder 50.00 EUR: F-2 [to eva@gomez.example]
2026-04-22 refused eva@gomez.example
2026-04-22 refused luis@gomez.example
2026-04-28 run
  write Talleres Gómez second 50.00 EUR: F-2 [to central@grupo.example]
2026-04-29 policy
  recipients: [escalation]
2026-05-11 run
  write Talleres Gómez firm 50.00 EUR: F-2 [to lea@gomez.example] [in en]
