"""One payment session: what is asked, what was keyed (masked), what came of it."""
