# An exclusion in the policy has a reason and a last day.
Policy: standard
  customers: [{match: {names: ["talleres *"]}, exclude: {reason: agreed with the owner, until: 2026-04-20}}]
Customer: Talleres Gómez <pagos@gomez.example> es
Customer: Bar Talleres <hola@bar.example> es

2026-04-08 invoice F-1 100.00 EUR due 2026-04-13
2026-04-08 invoice F-2 80.00 EUR due 2026-04-13 for Bar Talleres
2026-04-20 run
  write Bar Talleres reminder 80.00 EUR: F-2
  leave F-1 excluded until 2026-04-20
2026-04-21 run
  write Talleres Gómez reminder 100.00 EUR: F-1
