# A notice that has nobody to go to must not keep the call for another invoice waiting.
Policy: standard
  customers: [{match: {min_amount: {EUR: 500}}, procedure: by-phone}]
  procedures.by-phone: {levels: [{key: ring, days: 5, channel: call}]}
Customer: Talleres Gómez es

2026-04-08 invoice F-1 100.00 EUR due 2026-04-13
2026-04-08 invoice F-2 900.00 EUR due 2026-04-13
2026-04-14 run
  find an address of Talleres Gómez 100.00 EUR: F-1
2026-04-20 run
  call Talleres Gómez 900.00 EUR: F-2
