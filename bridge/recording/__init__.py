"""The local recorder: one stereo WAV a call, fed with what the gate lets through."""
