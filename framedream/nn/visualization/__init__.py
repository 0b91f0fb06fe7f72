"""What a network sees: activations, and pictures that excite it most."""
