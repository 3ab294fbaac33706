"""The words that every room of Interlock shares: identifiers, time, reasons, limits, errors. Pure."""
