"""Fields and fast loading and dumping of marshmallow schemas."""
