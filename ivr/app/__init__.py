"""The one place that puts everything together: bridge, sessions, payments, storage, panel."""
