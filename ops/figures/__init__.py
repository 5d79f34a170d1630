"""What the operator sees of the store in numbers: each process counts, one page and one text show all of them."""
