"""What a host sees: vedette-session and vedette-sensor."""
