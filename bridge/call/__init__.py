"""One telephone call through the bridge: two SIP dialogs, two media legs, a recorder."""
