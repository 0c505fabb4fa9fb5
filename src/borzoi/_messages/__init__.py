"""Messages: request and response, their bodies encoded and decoded. No I/O, no clock."""
