"""Every payload of the wire contract, defined once. Servers, clients, specs and tests all start here."""
