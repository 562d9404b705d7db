"""Files that people upload on pages: the choice of columns, the progress of the work, and a file of refused rows."""
