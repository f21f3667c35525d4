"""What comes in over HTTP: webhooks, the pages on which a company lets Puntual into its books, health and metrics."""
