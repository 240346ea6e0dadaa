"""What every stage shares: resources, store, keys, records, settings, errors."""
