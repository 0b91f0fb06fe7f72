"""A frame → a dreamed frame: networks, objectives, ascent, octaves. The only room with TensorFlow."""
