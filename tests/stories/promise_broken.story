# The promised day and two days of grace pass without the money: the ladder resumes where it was, and the promise is mentioned once.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-04-08 invoice F-1 710.00 EUR due 2026-04-13
2026-04-14 run
  write Talleres Gómez reminder 710.00 EUR: F-1
2026-04-15 promise F-1 2026-04-28 after the month's closing
2026-04-30 run
  nothing
  leave F-1 promised until 2026-04-30
2026-05-04 run daily until 2026-05-18
  2026-05-04 write Talleres Gómez second 710.00 EUR: F-1 [F-1 promised for 2026-04-28]
  2026-05-18 write Talleres Gómez firm 710.00 EUR: F-1
