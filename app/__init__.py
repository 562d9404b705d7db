"""Invoice Hub. ``app/factory.py`` makes the application; importing this package alone loads none of it."""

import os

# openpyxl takes lxml where some other package installed it. The hub uses one parser everywhere, the tested one.
os.environ["OPENPYXL_LXML"] = "False"
