"""The demo: a caller pays on a real call between two softphones, and the evidence that nobody heard the card."""
