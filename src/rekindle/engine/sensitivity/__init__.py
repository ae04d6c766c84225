"""Forward sensitivities: the tangents of a model and of what happens at its moments."""
