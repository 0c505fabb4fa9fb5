"""Plain values: URL, query parameters, headers, cookies, status codes."""
