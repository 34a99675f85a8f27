"""The steps, oldest first. A step that was released never changes: write the next one."""
