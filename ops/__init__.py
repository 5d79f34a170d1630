"""How the store runs: engines, processes, wiring, commands, migrations."""
