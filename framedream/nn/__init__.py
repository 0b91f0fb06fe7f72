"""Neural networks and gradient ascent; the only package that imports TensorFlow."""
