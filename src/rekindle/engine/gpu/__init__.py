"""The kernel for NVIDIA cards: text, driver, batches. Not yet run on a card."""
