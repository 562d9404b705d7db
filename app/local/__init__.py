"""The whole hub on one machine: embedded servers and the process group behind ``make run``."""
