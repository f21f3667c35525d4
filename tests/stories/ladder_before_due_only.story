# A ladder that ends before the due date: nobody is asked to decide about an invoice that is not overdue.
Policy: standard
  procedures.standard: {levels: [{key: upcoming, days: -30, notice: before_due}]}
Customer: Talleres Gómez <pagos@gomez.example> es

2026-03-02 invoice F-1 100.00 EUR due 2026-05-13
2026-04-01 run daily until 2026-05-31
  2026-04-13 write Talleres Gómez upcoming 100.00 EUR: F-1
  2026-05-23 decide on Talleres Gómez 100.00 EUR: F-1
