"""The exact solution of the linear part: eigenvalues and modes."""
