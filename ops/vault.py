"""The vault process: assembles its keys and its database, and serves its socket until it is told to stop."""
