"""DTMF signals: keys, tones, the batched detector and the gate. No I/O, no clock, no logging."""
