"""Official rules as a second opinion on written documents: leased checks, repeated when a rule set changes."""
