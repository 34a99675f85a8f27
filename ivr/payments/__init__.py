"""Payments: card rules, orders and outcomes, processors and the runner that sends for them."""
