"""Interlock: governed model fallback for AI agents."""
