# In Catalonia Maundy Thursday is a day of work.
Policy: standard
  company.region: CT
Customer: Talleres Gómez <pagos@gomez.example> es

2026-03-30 invoice F-1 100.00 EUR due 2026-04-01
2026-04-02 run
  write Talleres Gómez reminder 100.00 EUR: F-1
