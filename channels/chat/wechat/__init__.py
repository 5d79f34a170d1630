"""The WeChat official account: what arrives and leaves in its envelope, and how a Screen reads there."""
