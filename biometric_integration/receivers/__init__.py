"""What others send to us: parses and authenticates, and knows neither a site nor a database. What is read here ends in staging."""
