"""Lists of the pages: columns, order, pages, the number of rows, and the filtered list as a file."""
