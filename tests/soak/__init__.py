"""Long versions of tests, run by `make soak`."""
