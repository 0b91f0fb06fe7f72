"""Processes and devices that run tasks, on this machine or a Dask cluster."""
