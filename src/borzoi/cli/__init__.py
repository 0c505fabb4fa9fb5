"""The command line: from options to a request to the terminal, and the demo with its local API."""
