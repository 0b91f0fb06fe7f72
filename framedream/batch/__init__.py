"""A folder of footage in, a folder of dreams and a report out."""
