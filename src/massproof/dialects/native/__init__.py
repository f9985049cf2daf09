"""Our own JSON, read back: what `Properties.to_dict` writes and `massproof measure --json` prints."""
