"""Gateway accounts, bots and official accounts of merchants, and their credentials; later supplier accounts."""
