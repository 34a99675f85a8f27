"""SIP over UDP as a back-to-back user agent: sans-IO transactions, dialogs and a registrar (RFC 3261)."""
