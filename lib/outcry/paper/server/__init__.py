"""The wire: one loop, HTTP and WebSocket, signatures, budgets, subscriptions."""
