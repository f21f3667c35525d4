# Every level in its turn, and then a person decides, once.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-03-02 invoice F-1 1210.00 EUR due 2026-04-06
2026-03-02 run daily until 2026-07-31 approved
  2026-03-30 write Talleres Gómez upcoming 1210.00 EUR: F-1
  2026-04-07 write Talleres Gómez reminder 1210.00 EUR: F-1
  2026-04-14 write Talleres Gómez second 1210.00 EUR: F-1
  2026-04-27 write Talleres Gómez firm 1210.00 EUR: F-1
  2026-05-04 call Talleres Gómez 1210.00 EUR: F-1
  2026-05-12 ask to write Talleres Gómez final 1210.00 EUR: F-1
  2026-05-22 decide on Talleres Gómez 1210.00 EUR: F-1
  leave F-1 ladder_done
