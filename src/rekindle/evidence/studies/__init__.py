"""Published studies as designs of virtual trials."""
