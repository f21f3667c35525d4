# Rules by group, country, name and amount; the first that fits decides. In one message the level with the later day is the higher one.
Policy: standard
  customers: [{match: {groups: [Ayuntamientos]}, exclude: {reason: pays by law in its own time}}, {match: {countries: [PT]}, procedure: gentle}, {match: {max_amount: {EUR: 30}}, procedure: gentle}, {match: {names: ["Foo [ES] *"]}, procedure: gentle}]
Customer: Concello de Lugo <pagos@lugo.example> es (group Ayuntamientos; country PT)
Customer: Padaria Sol <sol@padaria.example> es (country PT)
Customer: Talleres Gómez <pagos@gomez.example> es
Customer: Foo [ES] S.L. <foo@foo.example> es

2026-04-08 invoice F-1 100.00 EUR due 2026-04-13 for Concello de Lugo
2026-04-08 invoice F-2 100.00 EUR due 2026-04-13 for Padaria Sol
2026-04-08 invoice F-3 100.00 EUR due 2026-04-13 for Talleres Gómez
2026-04-08 invoice F-4 30.00 EUR due 2026-04-13 for Talleres Gómez
2026-04-08 invoice F-5 100.00 EUR due 2026-04-13 for Foo [ES] S.L.
2026-04-14 run
  write Talleres Gómez reminder 100.00 EUR: F-3
  leave F-1 excluded
  leave F-2 not_due_yet until 2026-04-22
  leave F-4 not_due_yet until 2026-04-22
  leave F-5 not_due_yet until 2026-04-22
2026-04-23 run
  write Talleres Gómez friendly 130.00 EUR: F-3, F-4
  write Foo [ES] S.L. friendly 100.00 EUR: F-5
  write Padaria Sol friendly 100.00 EUR: F-2
