"""What the store is: plain synchronous Python, without chat platforms, web frameworks or HTTP clients."""
