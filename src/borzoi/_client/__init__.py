"""The clients, the pipeline that a request goes through, and the transports that send it."""
