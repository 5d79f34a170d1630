"""The published proof: buyers race over cards, faults beside them if asked."""
