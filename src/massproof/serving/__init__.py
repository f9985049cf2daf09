"""What the server's dialects share: the service behind them, and how requests are read and answered."""
