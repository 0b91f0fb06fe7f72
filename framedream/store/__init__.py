"""What survives a crash: the work folder, its manifest and its frames."""
