"""Rules that decide and never do: redirects, authentication, routing, pooling."""
