"""Work and results: processes, checkpoints on disk, memory, the device, estimates of the error."""
