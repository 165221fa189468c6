"""Credits as what they are: prepaid lots that are used oldest first, expire, and run out on a day."""
