"""What measures Tonewall against its limits and against peers, one file a question."""
