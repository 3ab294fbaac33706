"""What is said on the topics: one frozen dataclass for each Avro record, and how it is sealed and opened. Pure."""
