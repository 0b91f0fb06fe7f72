"""Reads footage: opens, decodes and indexes files and folders."""
