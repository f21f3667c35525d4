# The payment bounced: the invoice is owed again, and its ladder begins anew with the reminder.
Policy: standard
Customer: Talleres Gómez <pagos@gomez.example> es

2026-03-02 invoice F-1 1210.00 EUR due 2026-04-01
2026-04-06 run daily until 2026-04-13
  2026-04-06 write Talleres Gómez reminder 1210.00 EUR: F-1
  2026-04-13 write Talleres Gómez second 1210.00 EUR: F-1
2026-04-14 payment F-1 1210.00
2026-04-28 reopen F-1 1210.00
2026-04-28 run daily until 2026-05-05
  2026-04-28 write Talleres Gómez reminder 1210.00 EUR: F-1
  2026-05-05 write Talleres Gómez second 1210.00 EUR: F-1
