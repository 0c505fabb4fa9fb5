"""Engines that turn messages into bytes and bytes into messages, without I/O."""
