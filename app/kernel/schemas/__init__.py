"""marshmallow: field types, and fast ways to load and dump schemas."""
