"""The payment application: sessions, payments, storage, and the place that puts everything together."""
