# A repeated notice before the due date ends with the due date, however late its first one went out.
Policy: standard
  procedures.standard: {levels: [{key: upcoming, days: -14, notice: before_due, repeat: {every_days: 7, at_most: 1}}, {key: reminder, days: 1, notice: reminder}]}
Customer: Talleres Gómez <pagos@gomez.example> es

2026-03-02 invoice F-1 100.00 EUR due 2026-04-20
2026-04-01 hold F-1 until 2026-04-14 we wait for their order number
2026-04-15 run
  write Talleres Gómez upcoming 100.00 EUR: F-1
2026-04-16 run daily until 2026-04-21
  2026-04-21 write Talleres Gómez reminder 100.00 EUR: F-1
