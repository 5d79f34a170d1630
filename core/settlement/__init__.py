"""What a party earned becomes payable, and is paid out to its bank, once and by two people."""
