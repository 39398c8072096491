"""Dead letters back through exactly the actions that failed: messages, shards, deliveries, sources."""
