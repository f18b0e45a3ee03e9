"""The exchange itself, without I/O: orders, queues, money, life of markets; and keeping it on disk."""
