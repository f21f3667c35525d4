# The contact's language, else the customer's, else the company's; one without texts is passed over.
Policy: standard
Customer: Smith Ltd <ap@smith.example> en-GB
Customer: Müller GmbH <ap@mueller.example> de
Customer: Talleres Gómez <pagos@gomez.example> en (contact Eva <eva@gomez.example> invoice es)

2026-04-08 invoice F-1 100.00 EUR due 2026-04-13 for Smith Ltd
2026-04-08 invoice F-2 50.00 EUR due 2026-04-13 for Müller GmbH
2026-04-08 invoice F-3 40.00 EUR due 2026-04-13 for Talleres Gómez
2026-04-14 run
  write Müller GmbH reminder 50.00 EUR: F-2
  write Smith Ltd reminder 100.00 EUR: F-1 [in en]
  write Talleres Gómez reminder 40.00 EUR: F-3 [to eva@gomez.example]
