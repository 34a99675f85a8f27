"""The web panel of agents: my calls, take a payment, masked progress, result."""
