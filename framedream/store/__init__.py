"""Files that survive a crash: the work folder, its manifest, its journal and its frames."""
