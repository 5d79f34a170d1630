"""What the vault keeps of the staff: second factors, which nobody else may check."""
