"""Login by e-mail and password: passwords, sessions of API users and browsers, ``/api/auth``."""
