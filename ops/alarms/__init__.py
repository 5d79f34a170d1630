"""What must make somebody look, said once: Prometheus's rules and the operator's page are made from the same lines."""
