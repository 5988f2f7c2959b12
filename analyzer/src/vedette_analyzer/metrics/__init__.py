"""What Prometheus may know: figures, and where it asks for them."""
