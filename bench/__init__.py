"""What the speed claims rest on: each bench measures the hub and a yardstick side by side in one run."""
