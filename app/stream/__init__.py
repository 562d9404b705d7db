"""Floor 3: the event log, read by position or listened to live."""
