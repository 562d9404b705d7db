"""Pages about lists: choice of columns, steps with chosen rows, customers and salesmen, series of numbers."""
