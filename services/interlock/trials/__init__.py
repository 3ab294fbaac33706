"""How Interlock shows what it claims: real processes on a bus, a story that happens to them, and evidence from the outer edge."""
