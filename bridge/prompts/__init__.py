"""Prompts: files that one side of a call hears instead of the other."""
