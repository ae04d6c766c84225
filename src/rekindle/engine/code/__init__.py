"""From expressions to machine code: emission, control flow, memory, compilation for a processor."""
