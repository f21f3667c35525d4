"""Payment links: ways to pay that a notice can offer, each made for what is outstanding now."""
