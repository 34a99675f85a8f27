"""RTP (RFC 3550), G.711 and telephone events (RFC 4733)."""
