"""Floor 5: the pages through which people use the hub; they parse, call services and render, and know nothing else."""
