# Of several levels before the due date only the current one is sent; the one on the due date is for that day alone.
Policy: standard
  procedures.standard: {levels: [{key: early, days: -14, notice: before_due}, {key: soon, days: -7, notice: before_due}, {key: today, days: 0, notice: due}, {key: reminder, days: 1, notice: reminder}]}
Customer: Talleres Gómez <pagos@gomez.example> es
Customer: Bar Luna <hola@luna.example> es

2026-03-02 invoice F-1 100.00 EUR due 2026-04-16
2026-03-02 invoice F-2 90.00 EUR due 2026-04-16 for Bar Luna
2026-04-02 hold F-2 until 2026-04-08 they rang us
2026-04-06 run
  write Talleres Gómez early 100.00 EUR: F-1
2026-04-09 run
  write Bar Luna soon 90.00 EUR: F-2
2026-04-13 run
  write Talleres Gómez soon 100.00 EUR: F-1
2026-04-16 run
  write Bar Luna today 90.00 EUR: F-2
2026-04-20 run
  write Talleres Gómez reminder 100.00 EUR: F-1
  leave F-2 contacted_recently until 2026-04-21
