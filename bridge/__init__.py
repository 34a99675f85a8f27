"""Calls: SIP, SDP, RTP, the media workers and the recorder. Knows nothing of payments."""
