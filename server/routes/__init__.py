"""Doors: HTTP and WebSocket in, actions inside, JSON and pages out. No decision is taken here."""
