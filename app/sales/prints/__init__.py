"""Papers of the sales floor: the pick slip and the labels of boxes."""
