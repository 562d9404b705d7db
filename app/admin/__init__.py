"""Web pages of the hub (top layer): they parse requests, call services and render templates."""
