"""Invoice Hub. ``app/factory.py`` makes the application; importing this package alone loads none of it."""
