"""Markets of another exchange, polled or streamed."""
