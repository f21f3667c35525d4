# Old debt gets one summary in place of the first overdue level, then follows the ladder; one message, also with a mail an invoice.
Policy: standard
  go_live: {date: 2026-04-06, old_debt: one_summary}
  grouping: invoice
Customer: Talleres Gómez <pagos@gomez.example> es

2025-06-01 invoice F-1 100.00 EUR due 2025-07-01
2026-01-02 invoice F-2 50.00 EUR due 2026-02-02
2026-04-06 run daily until 2026-04-20
  2026-04-06 write Talleres Gómez reminder 150.00 EUR: F-1, F-2 [summary]
  2026-04-13 write Talleres Gómez second 100.00 EUR: F-1
  2026-04-13 write Talleres Gómez second 50.00 EUR: F-2
