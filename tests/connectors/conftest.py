"""The toy ledger is a package of its own: test_adding_a_ledger.py tests it as one, the way its author would."""

collect_ignore = ["toy_ledger"]
