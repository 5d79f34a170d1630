"""What tests stand on: real engines, fresh databases, a crash on demand, a browser."""
