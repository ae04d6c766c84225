"""One person at a time, record by record: the general driver for what programs do not cover."""
