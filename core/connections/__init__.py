"""Gateway accounts of merchants; later bots and supplier accounts."""
