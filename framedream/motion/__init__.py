"""Two frames → the motion between them: flow, where it can be trusted, warps and cuts."""
