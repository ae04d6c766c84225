"""People in the lanes of a vector: arithmetic, moves of the linear part, watched peaks."""
