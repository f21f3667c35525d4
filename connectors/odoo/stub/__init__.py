"""A strict, stateful stand-in of an Odoo server."""
