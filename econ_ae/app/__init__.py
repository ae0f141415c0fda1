"""The application: what joins model, hardware, simulation and metrics; nothing else imports it."""
