"""A still → an endless zoom, each frame the moved and dreamed frame before it."""
