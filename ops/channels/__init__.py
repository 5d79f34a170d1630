"""Connecting merchants' bots and official accounts: what `channel` does, one file a platform."""
