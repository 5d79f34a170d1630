"""What the audit's chain costs: to link, to read again, and to the transactions that write to it meanwhile."""
