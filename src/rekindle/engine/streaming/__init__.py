"""Many people in bounded memory: pieces, reducers, stores."""
