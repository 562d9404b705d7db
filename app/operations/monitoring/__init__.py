"""Status, metrics, canaries and queues for operators."""
