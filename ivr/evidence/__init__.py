"""What is known of the secure spans of a call: collected while it lives, signed and shown to an assessor afterwards."""
