"""What long runs are made of, and short forms of them: responses mixed up, servers that restart, a mixed load."""
