"""What several programs share: connecting, standing, refusals, the trading day."""
