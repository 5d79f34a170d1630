"""What runs the installation: parties, audit, health."""
