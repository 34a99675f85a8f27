"""The media worker: a process of its own that carries the sound of many calls. It never sees a payment."""
