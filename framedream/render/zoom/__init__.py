"""Renders a still as an endless zoom, each frame the transformed and dreamed frame before it."""
