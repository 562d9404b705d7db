"""Code that every package uses: errors, HTTP, schemas, pagination, worker, unit of work, money, clock."""
