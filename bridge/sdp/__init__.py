"""Session descriptions (RFC 8866) and offer/answer for telephone audio (RFC 3264), sans-IO."""
