"""Tables: one reader of CSV and XLSX files for all domains. It knows headings and kinds of cells, no business."""
