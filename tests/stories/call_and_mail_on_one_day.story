# An invoice needs a call and another one a mail: the higher level goes first, the other waits for the gap.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-03-02 invoice F-1 100.00 EUR due 2026-03-23
2026-03-24 run daily until 2026-04-13
  2026-03-24 write Talleres Gómez reminder 100.00 EUR: F-1
  2026-03-31 write Talleres Gómez second 100.00 EUR: F-1
  2026-04-13 write Talleres Gómez firm 100.00 EUR: F-1
2026-04-13 invoice F-2 60.00 EUR due 2026-04-19
2026-04-20 run
  call Talleres Gómez 100.00 EUR: F-1
  leave F-2 contacted_recently until 2026-04-25
2026-04-26 run
  nothing
2026-04-27 run
  write Talleres Gómez reminder 60.00 EUR: F-2
2026-04-28 run
  nothing
  leave F-1 contacted_recently until 2026-05-02
