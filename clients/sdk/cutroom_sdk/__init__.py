"""The wire types, the client and the replica of a Cutroom daemon."""
