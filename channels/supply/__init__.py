"""Suppliers' systems that are asked over the network, one file each."""
