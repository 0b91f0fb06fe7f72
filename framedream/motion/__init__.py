"""The motion between frames: optical flow, warping, interpolation, cuts."""
