//! Configuration, database, clock, crypto, egress and telemetry of the server.
