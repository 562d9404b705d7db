"""The contract of adapters as checks that every adapter passes."""
