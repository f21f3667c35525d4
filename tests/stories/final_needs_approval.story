# The final notice waits until a person says yes; it is proposed each day and never sent by itself.
Policy: standard
  procedures.standard: {levels: [{key: reminder, days: 1, notice: reminder}, {key: final, days: 15, notice: final, needs_approval: true}]}
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-01 invoice F-1 100.00 EUR due 2026-04-06
2026-04-07 run
  write Talleres Gómez reminder 100.00 EUR: F-1
2026-04-21 run
  ask to write Talleres Gómez final 100.00 EUR: F-1
2026-04-22 run
  ask to write Talleres Gómez final 100.00 EUR: F-1
2026-04-23 run approved
  ask to write Talleres Gómez final 100.00 EUR: F-1
2026-04-24 run daily until 2026-06-30
  2026-05-03 decide on Talleres Gómez 100.00 EUR: F-1
  leave F-1 ladder_done
