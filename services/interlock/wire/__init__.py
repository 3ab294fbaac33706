"""How records become bytes, and which topic carries them. Pure."""
