"""Floor 3: webhook endpoints, and every delivery to them with all that is known about it."""
