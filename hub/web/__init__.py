"""What the hub answers over HTTP: webhooks, health, metrics, and the few links that messages carry."""
