"""Everything a shopper or another program meets over HTTP: pages, the chat API, the gateways' callbacks."""
