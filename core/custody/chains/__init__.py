"""What the vault vouches for by chains of HMACs: the audit, and the checkpoints of the books."""
