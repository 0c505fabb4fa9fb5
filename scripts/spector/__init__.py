"""Our clients of TypeSpec's documents, called against TypeSpec's mock server."""
