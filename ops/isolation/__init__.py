"""What keeps the processes apart: users of their own or Landlock, and each one's own settings and secrets."""
