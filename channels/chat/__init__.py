"""Chat wires: a platform's event becomes a bot.Incoming, a bot.Screen becomes its message."""
