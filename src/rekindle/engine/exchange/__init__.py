"""Data sets and problems of other programs: NONMEM, PEtab."""
