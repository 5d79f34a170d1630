"""Many shoppers at once on two bots and two official accounts, while every process of the store is killed."""
