"""One public function a module: what the library and the commands do."""
