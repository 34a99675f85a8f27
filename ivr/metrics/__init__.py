"""Numbers of a running node for Prometheus: what it carries, how well, and how much room is left."""
