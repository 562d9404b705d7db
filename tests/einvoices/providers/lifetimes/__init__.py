"""A stateful test: users, workers and a provider act on e-invoices in any order, and then everything must fit."""
