"""The main job on one machine: a model dies, its agent moves to the approved fallback, people are told, forgeries are refused."""
