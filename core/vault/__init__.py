"""The sealing side of the vault: what every process may do (seal, sign, derive) and the client of the vault process."""
