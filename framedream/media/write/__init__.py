"""Writes films and stills: encodes frames, muxes films, publishes files."""
