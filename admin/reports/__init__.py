"""What was sold, by whom and how well: pages over roll-ups, never over orders, lines or cards."""
