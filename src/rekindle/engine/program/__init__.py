"""From the records of people with one schedule to a program, and the machine code that carries it out."""
