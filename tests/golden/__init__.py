"""Every screen in every language as it leaves each renderer, kept as files: a change of words shows in the diff."""
