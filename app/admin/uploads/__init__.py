"""What all pages share that take a file: the choice of columns, the progress, a file of refused rows."""
