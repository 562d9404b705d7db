"""The sales floor: steps, work sessions, returns and history."""
