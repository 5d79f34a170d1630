"""What a party earned, where it is paid to, and the people who let it go."""
