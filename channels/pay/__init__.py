"""Gateways: one file per counterpart; each verifies what comes in and acts with the merchant's credentials."""
