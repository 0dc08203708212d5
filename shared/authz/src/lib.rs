//! Permission decisions: the same answer in browser and server.
