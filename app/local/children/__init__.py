"""Child processes of the local run: start, fork, watch and stop them."""
