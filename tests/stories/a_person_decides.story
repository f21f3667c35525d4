# Once a person was asked to decide, Puntual keeps silent about that invoice: a later due date or another level starts nothing by itself.
Policy: standard
  procedures.standard: {levels: [{key: reminder, days: 1, notice: reminder}]}
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-01 invoice F-1 100.00 EUR due 2026-04-06
2026-04-07 run daily until 2026-04-17
  2026-04-07 write Talleres Gómez reminder 100.00 EUR: F-1
  2026-04-17 decide on Talleres Gómez 100.00 EUR: F-1
2026-04-20 ledger due F-1 2026-05-11
2026-04-20 policy
  procedures.standard: {levels: [{key: reminder, days: 1, notice: reminder}, {key: second, days: 8, notice: second}]}
2026-04-20 run daily until 2026-06-30
  nothing
  leave F-1 ladder_done
2026-07-01 payment F-1 100.00
2026-07-20 reopen F-1 100.00
2026-07-20 run
  write Talleres Gómez reminder 100.00 EUR: F-1
